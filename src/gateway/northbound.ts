import type { EpochMs } from '../fanout/store.ts';
import type { ClientSessionOutcome } from '../transport/client-session.ts';
import { listenUdp } from '../transport/udp-listener.ts';
import type { Trace } from '../transport/trace.ts';
import { parseUdpAddress } from '../transport/udp-address.ts';
import { notificationProof, readNotification } from '../protocol/notification/notification.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import type { DmServerAccount, GatewayLog } from './gateway.ts';
import { type ManagementSessionPorts, runManagementSession } from './management-session.ts';
import { createDeviceAlertOutbox } from './device-alert-outbox.ts';
import type { Outbox } from './outbox.ts';
import { createRunOutbox } from './run-outbox.ts';
import { createServerLink, type ServerLink, type SessionReason } from './server-link.ts';

/** How long closing waits for sessions under way before it breaks them off. */
const CLOSE_WAIT_MS = 3_000;

interface NorthboundPorts extends Omit<ManagementSessionPorts, 'signal' | 'outboxes'> {
  readonly servers: readonly DmServerAccount[];
  readonly store: Pick<GatewayStore, 'fanOut' | 'deviceAlerts' | 'peerNonces' | 'resetNotifications'>;
  /** As in `createRunOutbox`. */
  readonly aggregate: (run: number, serverId: string) => Promise<string | undefined>;
  /** `udp://host:port`; undefined: notifications are not listened for. */
  readonly notifications: string | undefined;
  readonly sessionEnded: (outcome: ClientSessionOutcome['kind']) => void;
  readonly log: GatewayLog;
  readonly trace: Trace | undefined;
}

/** The gateway as the DM client of its DM Servers. */
interface Northbound {
  /** `udp://host:port` with the port that was taken. */
  readonly notificationAddress: string | undefined;
  /** Starts to poll and to deliver alerts; notifications are taken from now on. */
  start(): void;
  /** An alert for this server was put into the outbox. */
  alertReady(serverId: string): void;
  /** Opens no further session and waits a moment for those that are open. */
  close(): Promise<void>;
}

/** Opens the socket for notifications; sessions begin with `start`. Rejects when it cannot listen. [FANOUT 8] */
export async function openNorthbound(ports: NorthboundPorts): Promise<Northbound> {
  const { servers, store, clock, log } = ports;
  const abort = new AbortController();
  const links = new Map<string, ServerLink>();
  for (const server of servers) {
    const outboxes = outboxesOf(server);
    const link = createServerLink({
      serverId: server.id,
      pollIntervalMs: server.pollIntervalMs,
      clock,
      log,
      retryMs: ports.alertRetry.firstMs,
      session: (reason) => session(server, outboxes, reason),
      nextAlertDueAt: () => earliest(outboxes),
    });
    links.set(server.id, link);
  }

  function outboxesOf(server: DmServerAccount): readonly Outbox[] {
    const { aggregate } = ports;
    return [
      createRunOutbox({ server, fanOut: store.fanOut, aggregate, now: () => clock.now(), log }),
      createDeviceAlertOutbox(server.id, store.deviceAlerts),
    ];
  }

  /**
   * Whoever has seen a notification under a nonce that never changes could send it again and again: it is good for one
   * session that comes about.
   */
  async function session(
    server: DmServerAccount,
    outboxes: readonly Outbox[],
    reason: SessionReason,
  ): Promise<ClientSessionOutcome> {
    const outcome = await runManagementSession(server, reason, { ...ports, outboxes, signal: abort.signal });
    ports.sessionEnded(outcome.kind);
    if (reason.kind === 'notified' && reason.resetDigest && outcome.kind !== 'unreachable') {
      await store.resetNotifications.served(server.id, reason.resetDigest);
    }
    return outcome;
  }

  /** What does not verify is ignored: there is nobody to tell. [NOTI 6] */
  async function receive(datagram: Uint8Array): Promise<void> {
    const notification = readNotification(datagram);
    const server = servers.find(({ peer }) => peer.principal.name === notification?.serverId);
    if (!server || !notification) return;
    const nonces = await store.peerNonces.nonces(server.id);
    const proof = notificationProof(datagram, server.peer.principal, nonces.peer);
    if (!proof) return;
    const resetDigest = proof.nonce === 'reset' ? proof.digest : undefined;
    if (resetDigest && (await store.resetNotifications.isServed(server.id, resetDigest))) return;
    links.get(server.id)?.notified(notification.sessionId, resetDigest);
  }

  const onError = (error: unknown) => log.error('notification could not be taken in', { err: error });
  const listener =
    ports.notifications === undefined
      ? undefined
      : await listenUdp({
          ...parseUdpAddress(ports.notifications),
          handle: (datagram) => void receive(datagram).catch(onError),
          onError,
          trace: ports.trace,
        });

  return {
    notificationAddress: listener?.address,
    start() {
      for (const link of links.values()) link.open();
    },
    alertReady: (serverId) => links.get(serverId)?.alertReady(),
    async close() {
      const cancelWait = clock.after(CLOSE_WAIT_MS, () => abort.abort());
      await Promise.all([listener?.close(), ...[...links.values()].map((link) => link.close())]);
      cancelWait();
    },
  };
}

/** When the first alert of all outboxes is due. */
async function earliest(outboxes: readonly Outbox[]): Promise<EpochMs | undefined> {
  const due = (await Promise.all(outboxes.map((outbox) => outbox.nextDueAt()))).filter((at) => at !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}
