import { randomBytes, randomInt } from 'node:crypto';
import { encodeNotification, RESET_NONCES } from '../protocol/notification/notification.ts';
import { SYSTEM_CLOCK } from '../transport/clock.ts';
import { listenDm } from '../transport/http-listener.ts';
import { type Opened, openParts } from '../transport/open-parts.ts';
import { createServerSessions } from '../transport/server-sessions.ts';
import { openTrace } from '../transport/trace.ts';
import { parseUdpAddress } from '../transport/udp-address.ts';
import { openUdpSender, type UdpSender } from '../transport/udp-sender.ts';
import { startAlertPruning } from './alert-pruning.ts';
import { createServerApplication, SENDABLE } from './application.ts';
import { createGatewayWaker, type GatewayWaker } from './gateway-waker.ts';
import { createOrders } from './orders.ts';
import type { DmServer, DmServerSetup, GatewayAccount } from './server.ts';

/** A DM Server has few gateways, each with one session at a time; the rest is for those who only try. */
const MAX_OPEN_SESSIONS = 256;
const MAX_SESSION_NUMBER = 0xffff;
/** Enough that nobody guesses a correlator and no two are ever alike. */
const CORRELATOR_BYTES = 12;

/**
 * Opens a DM Server and notifies the gateways that work waits for. When a part fails, what was opened is closed again
 * and it rejects with a `DmError`. The store stays the caller's.
 */
export function openDmServer(setup: DmServerSetup): Promise<DmServer> {
  return openParts(
    (opened) => openAll(setup, opened),
    (error) => setup.log.error('a part did not close', { err: error }),
  );
}

async function openAll(setup: DmServerSetup, opened: Opened): Promise<Omit<DmServer, 'close'>> {
  const { store, gateways, log, keepAlerts } = setup;
  const onError = (error: unknown) => log.error('unexpected failure', { err: error });
  // An address that cannot be used is better known now than when work waits.
  for (const { notify } of gateways) if (notify !== undefined) parseUdpAddress(notify);

  const trace = setup.traceDir === undefined ? undefined : await openTrace(setup.traceDir, 'server');
  if (trace) opened(() => trace.close());
  const sender = openUdpSender({ trace });
  opened(() => sender.close());

  const wakers = new Map<string, GatewayWaker>();
  for (const gateway of gateways) {
    const ports = {
      notify: (attempt: number) => notifyGateway(gateway, attempt, setup, sender),
      after: (delayMs: number, callback: () => void) => SYSTEM_CLOCK.after(delayMs, callback),
    };
    wakers.set(gateway.id, createGatewayWaker(gateway.notify !== undefined, setup.notifyRetry, ports));
  }
  const application = createServerApplication({
    ...setup,
    serverUri: () => listener.url,
    now: Date.now,
    sessionOpened: (gatewayId) => wakers.get(gatewayId)?.sessionOpened(),
    sessionEnded: (gatewayId, workLeft) => wakers.get(gatewayId)?.sessionEnded(workLeft),
  });
  const sessions = createServerSessions(application, {
    maxOpenSessions: MAX_OPEN_SESSIONS,
    idleTimeoutMs: setup.idleTimeoutMs,
    totalTimeoutMs: setup.totalTimeoutMs,
    meter: setup.meter,
    trace,
    onError,
  });
  opened(() => sessions.close());
  opened(() => {
    for (const waker of wakers.values()) waker.close();
    return Promise.resolve();
  });
  const listener = await listenDm({
    ...setup.listen,
    maxBodyBytes: setup.maxMsgBytes,
    meter: setup.meter,
    handle: (request) => sessions.handle(request),
    onError,
  });
  opened(() => listener.close());

  if (keepAlerts) {
    const alerts = store.passedOnAlerts;
    opened(startAlertPruning({ alerts, limits: keepAlerts, clock: SYSTEM_CLOCK, now: Date.now, log }));
  }
  for (const { id } of gateways) {
    const waiting = await store.openJobs(id, SENDABLE, 1);
    if (waiting.length > 0) wakers.get(id)?.wake();
  }

  const orders = createOrders(store, {
    gatewayIds: gateways.map(({ id }) => id),
    newCorrelator: () => randomBytes(CORRELATOR_BYTES).toString('base64url'),
    now: Date.now,
    wake: (gatewayId) => wakers.get(gatewayId)?.wake(),
  });
  return {
    store,
    dmUrl: listener.url,
    ...orders,
    get load() {
      return { openSessions: sessions.openCount, ...listener.load };
    },
  };
}

/**
 * Sends package #0 to a gateway. From the second attempt on the nonces may have drifted apart: then it goes out under
 * the reset nonces too, with one session id, for which a gateway starts one session. Never rejects. [FANOUT 8]
 */
async function notifyGateway(
  { id, own, notify }: GatewayAccount,
  attempt: number,
  { store, log }: Pick<DmServerSetup, 'store' | 'log'>,
  sender: UdpSender,
): Promise<void> {
  if (notify === undefined) return;
  try {
    const { host, port } = parseUdpAddress(notify);
    const stored = (await store.peerNonces.nonces(id)).own;
    const notification = {
      version: 11,
      uiMode: 'background',
      initiator: 'server',
      sessionId: randomInt(1, MAX_SESSION_NUMBER + 1),
      serverId: own.principal.name,
    } as const;
    const nonces = attempt < 2 ? [stored] : [stored, ...RESET_NONCES];
    const sent = await Promise.all(
      nonces.map((nonce) => sender.send(host, port, encodeNotification(notification, own.principal.digest, nonce))),
    );
    if (sent.includes('sent')) log.info('gateway notified', { gateway: id, attempt });
    else log.warn('gateway could not be notified', { gateway: id, attempt, notify });
  } catch (error) {
    log.error('gateway could not be notified', { gateway: id, attempt, err: error });
  }
}
