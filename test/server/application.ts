import { onTestFinished } from 'vitest';
import type { AlertCommand } from '../../src/protocol/message/message.ts';
import type { Delivery } from '../../src/protocol/session/server-types.ts';
import { createServerApplication } from '../../src/server/application.ts';
import type { GatewayAccount } from '../../src/server/server.ts';
import type { FanOutSpec } from '../../src/store/server-store.ts';
import { openServerStore } from '../../src/store/sqlite/open.ts';

export const GATEWAY: GatewayAccount = {
  id: 'urn:dev:gateway',
  peer: { scheme: 'md5', principal: { name: 'gw', digest: 'peer digest' } },
  own: { scheme: 'md5', principal: { name: 'dm-server', digest: 'own digest' } },
  notify: undefined,
};
export const FAN_OUT: FanOutSpec = {
  kind: 'fanout',
  fanOutRoot: './SCM',
  group: 'meters',
  commands: '<Get><CmdID>1</CmdID></Get>',
  correlator: 'c-1',
};
export const URL = './SCR/Results/Results1';

/** A delivery that is empty but for these values. */
export function delivery(values: Partial<Delivery> = {}): Delivery {
  return {
    first: false,
    final: true,
    devInfo: [],
    alerts: [],
    managementAlert: undefined,
    answers: [],
    strayAnswers: 0,
    outstanding: [],
    peerMaxMsgBytes: undefined,
    peerMaxObjBytes: undefined,
    form: { encoding: 'xml' },
    nonces: {},
    ...values,
  };
}

/** The alert of a run that is over, or of its quorum. */
export const completion = (correlator?: string, data = '200'): AlertCommand => ({
  kind: 'Alert',
  cmdId: '3',
  code: 1226,
  correlator,
  items: [
    {
      source: { locUri: URL },
      meta: { type: 'urn:oma:at:oma-gwmo:completionstatus:1.0', format: 'int', mark: 'informational' },
      data,
    },
  ],
});

/** The application of a DM Server with one gateway, and what it told of its sessions. */
export async function application(changes: Partial<Parameters<typeof createServerApplication>[0]> = {}) {
  const store = await openServerStore('sqlite::memory:');
  onTestFinished(() => store.close());
  const told: string[] = [];
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const made = createServerApplication({
    store,
    gateways: [GATEWAY],
    maxMsgBytes: 65_536,
    maxObjBytes: 1_048_576,
    log: silent,
    serverUri: () => 'http://server/dm',
    now: () => 1000,
    sessionOpened: (id) => told.push(`${id} opened`),
    sessionEnded: (id, workLeft) => told.push(`${id} ended, work left: ${workLeft}`),
    ...changes,
  });
  const session = (key: number) => ({ key, sessionId: String(key), source: GATEWAY.id, peer: GATEWAY });
  return { made, store, told, session };
}
