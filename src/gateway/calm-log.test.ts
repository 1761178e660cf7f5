import { describe, expect, it } from 'vitest';
import { DmError } from '../protocol/errors.ts';
import { calmLog } from './calm-log.ts';
import type { GatewayLog } from './gateway.ts';

describe('log of a gateway', () => {
  it('gateway: says once that the store refuses writes, and after 10 s how often it happened since', () => {
    let now = 0;
    const said: unknown[] = [];
    const take =
      (level: string): GatewayLog['error'] =>
      (event, fields) =>
        said.push([level, event, fields]);
    const log = calmLog({ info: take('info'), warn: take('warn'), error: take('error') }, { now: () => now });
    const full = new DmError('STORE_WRITE', 'there is no space left');
    const other = new DmError('STORE_CLOSED', 'the store is closed');
    for (now = 0; now < 10_000; now += 100) log.error('a', { err: full });
    log.error('b', { err: other });
    log.warn('c', { err: full });
    now = 10_000;
    log.error('d', { err: full });
    log.error('e', { err: full });
    expect(said).toEqual([
      ['error', 'a', { err: full, unsaid: 0 }],
      ['error', 'b', { err: other }],
      ['warn', 'c', { err: full }],
      ['error', 'd', { err: full, unsaid: 99 }],
    ]);
  });
});
