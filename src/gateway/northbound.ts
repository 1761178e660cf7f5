import { listenUdp } from '../transport/udp-listener.ts';
import type { Trace } from '../transport/trace.ts';
import { parseUdpAddress } from '../transport/udp-address.ts';
import { readNotification, verifyNotification } from '../protocol/notification/notification.ts';
import type { DmServerAccount, GatewayLog } from './gateway.ts';
import { type ManagementSessionPorts, runManagementSession } from './management-session.ts';
import { createServerLink, type ServerLink } from './server-link.ts';

/** How long closing waits for sessions under way before it breaks them off. */
const CLOSE_WAIT_MS = 3_000;

interface NorthboundPorts extends Omit<ManagementSessionPorts, 'signal'> {
  readonly servers: readonly DmServerAccount[];
  /** `udp://host:port`; undefined: notifications are not listened for. */
  readonly notifications: string | undefined;
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
    const link = createServerLink({
      serverId: server.id,
      pollIntervalMs: server.pollIntervalMs,
      clock,
      log,
      retryMs: ports.alertRetry.firstMs,
      session: (reason) => runManagementSession(server, reason, { ...ports, signal: abort.signal }),
      nextAlertDueAt: () => store.fanOut.nextAlertDueAt(server.id),
    });
    links.set(server.id, link);
  }

  /** What does not verify is ignored: there is nobody to tell. [NOTI 6] */
  async function receive(datagram: Uint8Array): Promise<void> {
    const notification = readNotification(datagram);
    const server = servers.find(({ peer }) => peer.principal.name === notification?.serverId);
    if (!server || !notification) return;
    const nonces = await store.peerNonces.nonces(server.id);
    if (!verifyNotification(datagram, server.peer.principal, nonces.peer)) return;
    links.get(server.id)?.notified(notification.sessionId);
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
