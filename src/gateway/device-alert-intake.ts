import type { FanOutEngine } from '../fanout/engine.ts';
import type { EpochMs } from '../fanout/store.ts';
import { encodeSyncBody } from '../fanout/sync-body.ts';
import { ALERT, STATUS } from '../protocol/message/codes.ts';
import type { AlertCommand } from '../protocol/message/message.ts';
import type { Device } from '../store/devices.ts';
import type { DeviceAlertStore, NewDeviceAlert } from '../store/device-alerts.ts';
import type { GatewayLog } from './gateway.ts';

/** More of one alert is not kept: a device must not fill the store. */
const MAX_ALERT_BYTES = 16_384;
/** Alerts of one message that are kept. */
const MAX_ALERTS = 100;

/** Types of alerts that a gateway says of itself: from a device they would tell its DM Server of runs that never were. */
const GATEWAY_TYPES = 'urn:oma:at:oma-gwmo:';

interface IntakePorts {
  readonly engine: Pick<FanOutEngine, 'asyncAlert'>;
  readonly deviceAlerts: Pick<DeviceAlertStore, 'add'>;
  /** DM Servers that get the alerts of all devices. */
  readonly passedOnTo: readonly string[];
  /** Alerts for this server were put into the outbox. */
  readonly alertReady: (serverId: string) => void;
  readonly now: () => EpochMs;
  readonly log: GatewayLog;
}

/**
 * Takes in what the devices say of their own accord. The Status of each alert, in their order: 200 once it is kept and
 * a member of a run that waited for it has it; 413 when it is too large to be kept. [FANOUT 5]
 */
export function createDeviceAlertIntake({ engine, deviceAlerts, passedOnTo, alertReady, now, log }: IntakePorts) {
  async function keep(alerts: readonly NewDeviceAlert[], passedOn: readonly string[]): Promise<void> {
    if (alerts.length === 0) return;
    await deviceAlerts.add(alerts, passedOn);
    for (const serverId of passedOn) alertReady(serverId);
  }

  return async (device: Device, alerts: readonly AlertCommand[]): Promise<readonly number[]> => {
    const toBePassedOn: NewDeviceAlert[] = [];
    const kept: NewDeviceAlert[] = [];
    const statuses: number[] = [];
    for (const alert of alerts) {
      const { code, items } = alert;
      log.info('device sent an alert', { deviceId: device.deviceId, code, types: items.map(({ meta }) => meta?.type) });
      const text = encodeSyncBody([{ ...alert, cmdId: '1', noResp: undefined, cred: undefined }]);
      if (kept.length + toBePassedOn.length >= MAX_ALERTS || Buffer.byteLength(text) > MAX_ALERT_BYTES) {
        statuses.push(STATUS.tooLarge);
        continue;
      }
      if (code === ALERT.generic) await engine.asyncAlert(device.key, alert);
      const isOfGateway = items.some(({ meta }) => meta?.type?.trim().toLowerCase().startsWith(GATEWAY_TYPES));
      if (isOfGateway)
        log.warn('device sent an alert of a gateway: it is not passed on', { deviceId: device.deviceId });
      const row = { deviceKey: device.key, deviceId: device.deviceId, at: now(), alert: text };
      (isOfGateway ? kept : toBePassedOn).push(row);
      statuses.push(STATUS.ok);
    }
    await keep(kept, []);
    await keep(toBePassedOn, passedOnTo);
    return statuses;
  };
}
