import type { Assignment, Carrier, FanOutEngine } from '../fanout/engine.ts';
import type { EpochMs } from '../fanout/store.ts';
import type { AlertCommand, RequestCommand } from '../protocol/message/message.ts';
import type { Authentication } from '../protocol/auth/principal.ts';
import type { Decision, Delivery, ServerSetup } from '../protocol/session/server-types.ts';
import type { Device, DeviceStore, StoredCredential } from '../store/devices.ts';
import { createProoflessRule } from '../transport/proofless.ts';
import type { ServerApplication, SessionIdentity } from '../transport/server-sessions.ts';
import { DETAIL_GET, isDetailDue, readDetail, readDevInfo } from './device-values.ts';
import type { GatewayLog } from './gateway.ts';
import type { InventoryAlerts } from './inventory-alerts.ts';

/** What the gateway's DM server side works with. */
interface SouthboundPorts {
  /** Name of the gateway where there is no account to take one from. */
  readonly gatewayId: string;
  readonly devices: Pick<DeviceStore, 'byDeviceId' | 'saveNonces' | 'saveInventory' | 'noteSecretUsed'>;
  readonly engine: Pick<
    FanOutEngine,
    'sessionOpened' | 'sessionClosed' | 'nextFor' | 'answered' | 'sessionLost' | 'contactFailed'
  >;
  /** An authenticated session has begun, as far as what the inventory tells of it goes. */
  readonly inventoryAlerts: Pick<InventoryAlerts, 'seen'>;
  /** Keeps what a device says of its own accord; answers the Status of each alert. */
  takeAlerts(device: Device, alerts: readonly AlertCommand[]): Promise<readonly number[]>;
  /** URL the devices post to. */
  serverUri(): string;
  readonly maxMsgBytes: number;
  readonly maxObjBytes: number;
  readonly inventoryMaxAgeMs: number;
  /** Believe devices with scheme none that come from this host. */
  readonly loopbackWithoutProof?: boolean | undefined;
  now(): EpochMs;
  readonly log: GatewayLog;
}

/** The gateway as the DM server of its devices. */
interface Southbound extends ServerApplication<Device> {
  /** SessionID of the session that is open with this device; undefined: none is. */
  openSessionId(deviceKey: number): string | undefined;
  /** The account was decommissioned: a session that is open carries nothing new any more. */
  deviceGone(deviceKey: number): void;
}

/** What a session is busy with; `over`: it is told nothing more. */
type Work =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'run'; readonly assignment: Assignment }
  | { readonly kind: 'lost'; readonly assignment: Assignment }
  | { readonly kind: 'detail' }
  | { readonly kind: 'over' };

/** A session with an authenticated device. */
interface OpenSession {
  readonly device: Device;
  readonly sessionId: string;
  work: Work;
  carrier: Carrier;
  detailDue: boolean;
}

/**
 * Serves the devices: brings them the commands of their runs, one run after the other, takes their answers in, and
 * keeps the inventory. All that one message brought is written together and durable before the next decision.
 * [FANOUT 2]
 */
export function createSouthbound(ports: SouthboundPorts): Southbound {
  const { devices, engine, log } = ports;
  const isLetIn = createProoflessRule({
    allowed: ports.loopbackWithoutProof ?? false,
    turnedAway: (deviceId) =>
      log.warn(
        'device with scheme none was turned away: southbound.loopbackWithoutProof is off or it is not on this host',
        {
          deviceId,
        },
      ),
  });
  /** How we prove ourselves to whom we have no account for. */
  const nobody = { scheme: 'none', principal: { name: ports.gatewayId, digest: '' }, nonce: new Uint8Array() } as const;
  const bySession = new Map<number, OpenSession>();
  /** The one session that counts as the device's own. */
  const byDevice = new Map<number, OpenSession>();

  async function identify(
    source: string,
    userName: string | undefined,
    from?: string,
  ): Promise<{ setup: ServerSetup; peer: Device | undefined }> {
    const known = await devices.byDeviceId(source);
    const isServed =
      known && known.decommissionedAt === undefined && isLetIn(known.deviceId, known.client.scheme, from);
    const found = isServed ? known : undefined;
    const device = found && (userName === undefined || userName === found.client.name) ? found : undefined;
    // One literal: to spread several objects into one takes 10 us.
    const setup: ServerSetup = {
      serverUri: ports.serverUri(),
      own: device ? proofOf(device.server) : nobody,
      peer: device && proofOf(device.client),
      former: device && formerProofs(device),
      defaultScheme: 'md5',
      maxMsgBytes: ports.maxMsgBytes,
      maxObjBytes: ports.maxObjBytes,
      peerMaxMsgBytes: device?.maxMsgBytes,
      peerMaxObjBytes: device?.maxObjBytes,
    };
    return { setup, peer: found };
  }

  async function deliver(session: SessionIdentity<Device>, delivery: Delivery): Promise<Decision> {
    const device = session.peer;
    const open = bySession.get(session.key) ?? (await openSession(session, delivery));
    const devInfo = readDevInfo(delivery.devInfo);
    const writes: Promise<unknown>[] = [];
    const { own, peer } = delivery.nonces;
    const { digest } = ((delivery.usesFormer ? device.former : undefined) ?? device).client;
    if (own || peer) writes.push(devices.saveNonces(device.key, { client: peer, server: own }, digest));
    if (delivery.first && device.former && device.client.scheme !== 'none') {
      writes.push(devices.noteSecretUsed(device.key, digest));
    }
    if (devInfo.devId !== undefined && devInfo.devId !== device.deviceId) {
      await Promise.all([...writes, refuse(open)]);
      return { isRefused: true, alertStatuses: [], commands: [] };
    }
    if (delivery.first || delivery.devInfo.length > 0) {
      writes.push(devices.saveInventory(device.key, devInfo.inventory, ports.now()));
    }
    // With the inventory in one transaction: it is told once.
    if (delivery.first) writes.push(ports.inventoryAlerts.seen(device));
    writes.push(...takeAnswers(open, delivery));
    await Promise.all(writes);
    // After the answers: an alert may tell the end of what the same message says was only begun.
    const alertStatuses = delivery.alerts.length > 0 ? await ports.takeAlerts(device, delivery.alerts) : [];
    open.carrier = {
      form: delivery.form,
      maxMsgBytes: delivery.peerMaxMsgBytes ?? open.carrier.maxMsgBytes,
      maxObjBytes: delivery.peerMaxObjBytes ?? open.carrier.maxObjBytes,
    };
    return {
      alertStatuses,
      commands: delivery.final ? await nextCommands(open, delivery.outstanding.length > 0) : [],
    };
  }

  /** A device that comes again has given up the session it had: what that one carried is lost. */
  async function openSession(session: SessionIdentity<Device>, { form }: Delivery): Promise<OpenSession> {
    const device = session.peer;
    const open: OpenSession = {
      device,
      sessionId: session.sessionId,
      work: { kind: 'nothing' },
      carrier: { form, maxMsgBytes: undefined, maxObjBytes: undefined },
      detailDue: isDetailDue(device.inventory, ports.now(), ports.inventoryMaxAgeMs),
    };
    const former = byDevice.get(device.key);
    bySession.set(session.key, open);
    byDevice.set(device.key, open);
    if (former) {
      log.info('device opened another session', { deviceId: device.deviceId });
      await giveUp(former, 'lost');
    } else {
      engine.sessionOpened(device.key);
    }
    return open;
  }

  /** The device proved to be the one of the account, and says that it is another. [FANOUT 8] */
  async function refuse(open: OpenSession): Promise<void> {
    log.warn('device sent the DevId of another', { deviceId: open.device.deviceId });
    await giveUp(open, 'lost');
  }

  function takeAnswers({ device, work }: OpenSession, { answers, final }: Delivery): Promise<void>[] {
    switch (work.kind) {
      case 'run':
      case 'lost':
        return answers.length > 0 ? [engine.answered(work.assignment, answers, !final)] : [];
      case 'detail':
        return [devices.saveInventory(device.key, { ...readDetail(answers), detailAt: ports.now() }, ports.now())];
      case 'nothing':
      case 'over':
        return [];
    }
  }

  async function nextCommands(open: OpenSession, isIncomplete: boolean): Promise<readonly RequestCommand[]> {
    if (isIncomplete && open.work.kind === 'run') await giveUp(open, 'lost');
    if (open.work.kind === 'over' || open.work.kind === 'lost') return [];
    open.work = { kind: 'nothing' };
    const assignment = await engine.nextFor(open.device.key, open.carrier);
    if (assignment) {
      open.work = { kind: 'run', assignment };
      if (byDevice.get(open.device.key) === open) return assignment.commands;
      await giveUp(open, 'lost');
      return [];
    }
    if (!open.detailDue) return [];
    open.detailDue = false;
    open.work = { kind: 'detail' };
    return [DETAIL_GET];
  }

  /** Ends what the session carries; an answer that comes all the same is late and still taken. */
  async function giveUp(open: OpenSession, how: 'lost' | 'refused'): Promise<void> {
    if (open.work.kind !== 'run') {
      if (open.work.kind !== 'lost') open.work = { kind: 'over' };
      return;
    }
    const { assignment } = open.work;
    open.work = { kind: 'lost', assignment };
    await engine.sessionLost(assignment, how);
  }

  async function ended(
    session: SessionIdentity<Device>,
    outcome: Parameters<ServerApplication<Device>['ended']>[1],
  ): Promise<void> {
    const open = bySession.get(session.key);
    if (outcome !== 'completed') log.warn('device session ended early', { deviceId: session.source, outcome });
    bySession.delete(session.key);
    const isOwn = open !== undefined && byDevice.get(open.device.key) === open;
    if (isOwn) byDevice.delete(open.device.key);
    if (open?.work.kind === 'run') {
      await giveUp(open, outcome === 'refused' ? 'refused' : 'lost');
    } else if (outcome === 'refused' || outcome === 'unauthorized') {
      await engine.contactFailed(session.peer.key, 'unauthorized');
    }
    if (isOwn) engine.sessionClosed(open.device.key);
  }

  function formerProofs({ former }: Device): ServerSetup['former'] {
    if (!former || former.until <= ports.now()) return undefined;
    return { own: proofOf(former.server), peer: proofOf(former.client) };
  }

  return {
    identify,
    deliver,
    ended,
    openSessionId: (deviceKey) => byDevice.get(deviceKey)?.sessionId,
    deviceGone(deviceKey) {
      const open = byDevice.get(deviceKey);
      if (open) open.detailDue = false;
    },
  };
}

function proofOf({ scheme, name, digest, password, nonce }: StoredCredential): Authentication {
  return { scheme, principal: { name, digest, password }, nonce };
}
