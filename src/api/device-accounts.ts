import { digestOf } from '../protocol/auth/digest.ts';
import { DmError } from '../protocol/errors.ts';
import { accountLineSchema, type AccountLine } from '../store/account-line.ts';
import type { NewDevice } from '../store/devices.ts';

/** An account as the gateway keeps it: digests, and a plain secret only where the gateway itself must send basic. */
export function newDevice(line: AccountLine): NewDevice {
  return {
    deviceId: line.deviceId,
    client: {
      scheme: line.scheme,
      name: line.userName,
      digest: digestOf(line.userName, line.secret),
      password: undefined,
      nonce: Buffer.from(line.clientNonce, 'base64'),
    },
    server: {
      scheme: line.serverScheme,
      name: line.serverId,
      digest: digestOf(line.serverId, line.serverSecret),
      password: line.serverScheme === 'basic' ? line.serverSecret : undefined,
      nonce: Buffer.from(line.serverNonce, 'base64'),
    },
    notify: line.notify,
    notificationVersion: line.notificationVersion,
  };
}

/** Reads an accounts file; a bad line is refused by its number, without showing its content. Throws `DmError` API_BAD_REQUEST. */
export function parseAccountLines(text: string): NewDevice[] {
  const devices: NewDevice[] = [];
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new DmError('API_BAD_REQUEST', `line ${number}: is not JSON`);
    }
    const parsed = accountLineSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new DmError('API_BAD_REQUEST', `line ${number}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
    }
    devices.push(newDevice(parsed.data));
  }
  return devices;
}
