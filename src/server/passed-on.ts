import { encodeSyncBody } from '../fanout/sync-body.ts';
import { ALERT, STATUS } from '../protocol/message/codes.ts';
import type { AlertCommand } from '../protocol/message/message.ts';
import type { NewPassedOnAlert } from '../store/passed-on-alerts.ts';
import { tellsOfRun } from './alerts.ts';
import { relativeUri } from './run-url.ts';

/** More of one alert is not kept; a gateway of ours passes on no more than a quarter of it. */
const MAX_ALERT_BYTES = 65_536;

/** What becomes of an alert that completes no run: its Status, and what is kept when that is 200. */
export type Intake =
  | { readonly status: typeof STATUS.ok; readonly kept: Omit<NewPassedOnAlert, 'gatewayId' | 'at'> }
  | { readonly status: typeof STATUS.unsupportedType | typeof STATUS.tooLarge };

/**
 * Generic Alerts of any Type are kept [413 for one that is too large]; one that tells of a run and cannot be read is
 * refused, and so is any other alert [415]. [FANOUT 6]
 */
export function takePassedOn(alert: AlertCommand): Intake {
  if (alert.code !== ALERT.generic || tellsOfRun(alert)) return { status: STATUS.unsupportedType };
  const text = encodeSyncBody([{ ...alert, cmdId: '1', noResp: undefined, cred: undefined }]);
  if (Buffer.byteLength(text) > MAX_ALERT_BYTES) return { status: STATUS.tooLarge };
  const source = alert.items[0]?.source?.locUri;
  return { status: STATUS.ok, kept: { source: source === undefined ? undefined : relativeUri(source), alert: text } };
}
