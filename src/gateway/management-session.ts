import type { Clock } from '../fanout/engine.ts';
import type { Answer, Data, RequestCommand } from '../protocol/message/message.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import type { Caller } from '../tree/management-object.ts';
import {
  type ClientSessionOutcome,
  type DmRequest,
  type DmResponse,
  runClientSession,
} from '../transport/client-session.ts';
import { deliverAlerts } from './alert-delivery.ts';
import type { DmServerAccount, GatewaySetup } from './gateway.ts';
import { devInfoItems } from './objects/dev-info.ts';
import type { Outbox } from './outbox.ts';
import type { SessionReason } from './server-link.ts';

/** WBXML 1.2 is what most DM stacks write and read. */
const FORMS = { xml: { encoding: 'xml' }, wbxml: { encoding: 'wbxml', version: 2 } } as const;

/** What a session with a DM Server works with. */
export interface ManagementSessionPorts {
  readonly gatewayId: string;
  readonly store: Pick<GatewayStore, 'peerNonces'>;
  /** Alerts that wait for this server. */
  readonly outboxes: readonly Outbox[];
  readonly limits: Pick<GatewaySetup['northbound'], 'maxMsgBytes' | 'maxObjBytes'>;
  readonly alertRetry: GatewaySetup['alertRetry'];
  readonly clock: Clock;
  exchange(request: DmRequest): Promise<DmResponse>;
  /** Executes commands on the gateway's own tree; no value goes out that does not fit. */
  execute(
    caller: Caller,
    msgId: string,
    commands: readonly RequestCommand[],
    fits: (data: Data) => boolean,
  ): AsyncIterable<Answer>;
  newNonce(): Uint8Array;
  /** A SessionID for a session that nobody asked for. */
  newSessionId(): string;
  /** Aborted when the gateway closes and cannot wait any longer. */
  readonly signal: AbortSignal;
}

/** Runs one session with a DM Server from start to end: alerts that wait, then whatever the server commands. [FANOUT 6] */
export async function runManagementSession(
  server: DmServerAccount,
  reason: SessionReason,
  ports: ManagementSessionPorts,
): Promise<ClientSessionOutcome> {
  const { store, limits } = ports;
  const alerts = deliverAlerts({
    outboxes: ports.outboxes,
    retry: ports.alertRetry,
    now: () => ports.clock.now(),
  });
  const nonces = await store.peerNonces.nonces(server.id);
  try {
    return await runClientSession(
      {
        sessionId: reason.kind === 'notified' ? reason.sessionId : ports.newSessionId(),
        serverUri: server.url,
        clientUri: ports.gatewayId,
        form: FORMS[server.encoding],
        own: { ...server.own, nonce: nonces.own },
        peer: { ...server.peer, nonce: nonces.peer },
        maxMsgBytes: limits.maxMsgBytes,
        maxObjBytes: limits.maxObjBytes,
        managementAlert: reason.kind === 'notified' ? 1200 : 1201,
        devInfo: devInfoItems(ports.gatewayId),
        alerts: await alerts.take(),
      },
      {
        exchange: ({ signal, ...request }) =>
          ports.exchange({ ...request, signal: signal ? AbortSignal.any([signal, ports.signal]) : ports.signal }),
        execute: (msgId, commands, fits) => ports.execute({ serverId: server.id }, msgId, commands, fits),
        takeAlerts: () => alerts.take(),
        alertAnswered: (ref, status) => alerts.answered(ref, status),
        remember: ({ ownNonce, peerNonce }) => store.peerNonces.save(server.id, { own: ownNonce, peer: peerNonce }),
        newNonce: () => ports.newNonce(),
      },
    );
  } finally {
    await alerts.end();
  }
}
