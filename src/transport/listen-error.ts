import { DmError } from '../protocol/errors.ts';
import { systemCode } from './transport-error.ts';

/** Explains why a socket could not listen: `DmError` TRANSPORT_PORT_IN_USE or TRANSPORT_LISTEN, naming the address. */
export function listenError(error: unknown, address: string): DmError {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    return new DmError('TRANSPORT_PORT_IN_USE', `${address} is in use by another program`, { cause: error });
  }
  return new DmError('TRANSPORT_LISTEN', `cannot listen on ${address} (${code ?? 'unknown error'})`, { cause: error });
}
