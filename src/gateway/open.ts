import { randomBytes, randomInt } from 'node:crypto';
import { createFanOutEngine, type EngineEvents } from '../fanout/engine.ts';
import { executeCommands } from '../tree/executor.ts';
import { createDmHttpClient } from '../transport/http-client.ts';
import { listenDm } from '../transport/http-listener.ts';
import { openHttpPush } from '../transport/http-push.ts';
import { notificationsByScheme, udpNotifications } from '../transport/notification-sender.ts';
import { type Opened, openParts } from '../transport/open-parts.ts';
import { createSendQueue } from '../transport/send-queue.ts';
import { createServerSessions } from '../transport/server-sessions.ts';
import { openTrace } from '../transport/trace.ts';
import { openUdpSender } from '../transport/udp-sender.ts';
import { aggregateDocument } from './aggregate-document.ts';
import { API_ACTOR, auditedEnrolment, createAuditNote } from './audit-trail.ts';
import { calmLog } from './calm-log.ts';
import { createDeviceAlertIntake } from './device-alert-intake.ts';
import { createEnrolment } from './enrolment.ts';
import type { Gateway, GatewayLog, GatewaySetup } from './gateway.ts';
import { meteredNotifier, meteredStore } from './meters.ts';
import { createInventoryAlerts } from './inventory-alerts.ts';
import { knownAcls } from './known-acls.ts';
import { openNorthbound } from './northbound.ts';
import { createGatewayTree, forgetFormerServers } from './gateway-tree.ts';
import { createNotifier } from './notifier.ts';
import { createPlanning } from './planning.ts';
import { createRetentionJob } from './retention.ts';
import { createRunControl } from './run-control.ts';
import { createRunRemoval } from './run-removal.ts';
import { createSouthbound } from './southbound.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** Length of the nonces we make. Peer: libdmclient drops nonces whose length modulo 3 is 2. */
const NONCE_BYTES = 16;
/** Where runs started at the gateway belong when no root is configured. */
const DEFAULT_ROOT = './SCM';
const MAX_SESSION_NUMBER = 0xffff;
/** Steps of the random numbers for jitter. */
const RANDOM_STEPS = 2 ** 32;

/** Opens a DM Gateway; when a part fails, what was opened is closed again. The store stays the caller's. */
export function openGateway(setup: GatewaySetup): Promise<Gateway> {
  const log = calmLog(setup.log, SYSTEM_CLOCK);
  const { nodes } = setup.store;
  const store = { ...setup.store, nodes: { ...nodes, acls: knownAcls(nodes.acls) } };
  return openParts(
    (opened) => openAll({ ...setup, store, log }, opened),
    (error) => setup.log.error('a part did not close', { err: error }),
  );
}

async function openAll(setup: GatewaySetup, opened: Opened): Promise<Omit<Gateway, 'close'>> {
  const { store, servers, log, meters } = setup;
  const onError = (error: unknown) => log.error('unexpected failure', { err: error });
  const newSessionNumber = () => randomInt(1, MAX_SESSION_NUMBER + 1);

  const trace = setup.traceDir === undefined ? undefined : await openTrace(setup.traceDir, 'gateway');
  if (trace) opened(() => trace.close());
  const http = createDmHttpClient({
    timeoutMs: setup.northbound.timeoutMs,
    maxBodyBytes: setup.northbound.maxMsgBytes,
    trace,
  });
  opened(() => http.close());
  const udp = openUdpSender({ trace });
  opened(() => udp.close());
  const { concurrency, perSecond, timeoutMs } = setup.southbound.push;
  const push = openHttpPush({ connections: concurrency, timeoutMs, trace });
  opened(() => push.close());
  const pushQueue = createSendQueue(push, { concurrency, perSecond });

  const notifier = createNotifier({
    devices: store.devices,
    sender: notificationsByScheme({ 'udp:': udpNotifications(udp), 'http:': pushQueue, 'https:': pushQueue }),
    openSessionId: (deviceKey) => southbound.openSessionId(deviceKey),
    newSessionNumber,
    deviceIdInBody: setup.southbound.deviceIdInNotification,
    now: () => SYSTEM_CLOCK.now(),
    log,
  });
  const engine = createFanOutEngine({
    store: meteredStore(store.fanOut, meters),
    notifier: meteredNotifier(notifier, meters),
    clock: SYSTEM_CLOCK,
    events: engineEvents(log, (serverId) => northbound.alertReady(serverId)),
    random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
    maxActiveRuns: setup.fanOut.maxActiveRuns,
    maxAnswerBytes: setup.southbound.maxObjBytes,
  });

  const inventoryAlerts = createInventoryAlerts({
    deviceAlerts: store.deviceAlerts,
    toldTo: servers.filter((server) => server.inventoryAlerts === 'all').map(({ id }) => id),
    alertReady: (serverId) => northbound.alertReady(serverId),
    now: () => SYSTEM_CLOCK.now(),
  });
  const southbound = createSouthbound({
    gatewayId: setup.id,
    devices: store.devices,
    engine,
    inventoryAlerts,
    takeAlerts: createDeviceAlertIntake({
      engine,
      deviceAlerts: store.deviceAlerts,
      passedOnTo: servers.filter(({ deviceAlerts }) => deviceAlerts === 'all').map(({ id }) => id),
      alertReady: (serverId) => northbound.alertReady(serverId),
      now: () => SYSTEM_CLOCK.now(),
      log,
    }),
    serverUri: () => listener.url,
    maxMsgBytes: setup.southbound.maxMsgBytes,
    maxObjBytes: setup.southbound.maxObjBytes,
    inventoryMaxAgeMs: setup.southbound.inventoryMaxAgeMs,
    loopbackWithoutProof: setup.southbound.loopbackWithoutProof,
    now: () => SYSTEM_CLOCK.now(),
    log,
  });
  const sessions = createServerSessions(southbound, {
    maxOpenSessions: setup.southbound.maxSessions,
    idleTimeoutMs: setup.southbound.idleTimeoutMs,
    totalTimeoutMs: setup.southbound.totalTimeoutMs,
    meter: meters,
    trace,
    onError,
  });
  opened(() => sessions.close());
  await forgetFormerServers(
    store.nodes.acls,
    servers.map(({ id }) => id),
  );
  const note = createAuditNote(store.audit, () => SYSTEM_CLOCK.now(), log);
  const control = createRunControl(engine, note);
  const removeRun = createRunRemoval(store, note);
  const makePlan = createPlanning({ ...store, now: () => SYSTEM_CLOCK.now() });
  const tree = createGatewayTree({
    ...setup,
    version: setup.version ?? 'unknown',
    maxObjBytes: setup.northbound.maxObjBytes,
    clock: SYSTEM_CLOCK,
    control,
    makePlan,
    note,
  });
  const northbound = await openNorthbound({
    gatewayId: setup.id,
    store,
    servers,
    notifications: setup.northbound.notifications,
    limits: setup.northbound,
    alertRetry: setup.alertRetry,
    clock: SYSTEM_CLOCK,
    exchange: (request) => http.exchange(request),
    execute: (caller, msgId, commands, fits) =>
      executeCommands(tree, caller, msgId, commands, { onError, breathe, fits }),
    aggregate: (run, serverId) =>
      aggregateDocument(tree, store.fanOut, { run, serverId, maxBytes: setup.northbound.maxObjBytes }),
    newNonce: () => randomBytes(NONCE_BYTES),
    newSessionId: () => newSessionNumber().toString(16).toUpperCase(),
    sessionEnded: (outcome) => meters?.managementSessionEnded(outcome),
    log,
    trace,
  });
  opened(() => northbound.close());
  const listener = await listenDm({
    ...setup.southbound.listen,
    maxBodyBytes: setup.southbound.maxMsgBytes,
    maxConnections: setup.southbound.maxConnections,
    maxBytesInFlight: setup.southbound.maxBytesInFlight,
    meter: meters,
    handle: (request) => sessions.handle(request),
    onError,
  });
  opened(() => listener.close());
  opened(() => engine.close());
  // The engine waits for its notifications: those that are not out yet are to end first.
  opened(() => pushQueue.close());
  if (setup.retention) {
    const retention = createRetentionJob({ store, trace, limits: setup.retention, clock: SYSTEM_CLOCK, log });
    opened(() => retention.close());
    retention.start();
  }
  await engine.open();
  northbound.start();

  return {
    store,
    dmUrl: listener.url,
    notificationAddress: northbound.notificationAddress,
    startRun: (request) =>
      control.startRun(
        { ...request, fanOutRoot: setup.fanOut.roots[0] ?? DEFAULT_ROOT, serverId: servers[0]?.id },
        API_ACTOR,
      ),
    retryRun: (request) => control.retryRun({ ...request, serverId: servers[0]?.id }, API_ACTOR),
    pauseRun: (run) => control.pauseRun(run, API_ACTOR),
    resumeRun: (run) => control.resumeRun(run, API_ACTOR),
    cancelRun: (run) => control.cancelRun(run, API_ACTOR),
    deleteRun: (run) => removeRun(run, API_ACTOR),
    planRun: makePlan,
    noteDevicesAdded: (accounts) => note(API_ACTOR, 'device.add', `${accounts} accounts`),
    enrolment: auditedEnrolment(
      createEnrolment({
        gatewayId: setup.id,
        devices: store.devices,
        engine: {
          deviceGone(deviceKey) {
            southbound.deviceGone(deviceKey);
            return engine.deviceGone(deviceKey);
          },
        },
        inventoryAlerts,
        gatewayUrl: () => setup.southbound.publicUrl ?? listener.url,
        randomBytes,
        now: () => SYSTEM_CLOCK.now(),
        log,
      }),
      note,
    ),
    get load() {
      return { openSessions: sessions.openCount, ...listener.load };
    },
  };
}

function engineEvents(log: GatewayLog, alertReady: (serverId: string) => void): EngineEvents {
  return {
    runStarted: ({ number, group, counts }) => log.info('run started', { run: number, group, targets: counts.targets }),
    runChanged: ({ number, state, pauseCause }) => log.info('run changed', { run: number, state, pauseCause }),
    clockJumped: (byMs) => log.warn('the wall clock has jumped; no deadline has moved', { byMs }),
    runCompleted: ({ number, state, counts }) => log.info('run completed', { run: number, state, counts }),
    alertReady,
    problem: (where, error) => log.error('fan-out engine', { where, err: error }),
  };
}

/** One command of a DM Server can read a great deal: the devices are served meanwhile. */
function breathe(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
