import { ALERT } from '../protocol/message/codes.ts';
import type { AlertCommand } from '../protocol/message/message.ts';
import { textOf } from './answers.ts';
import { relativeUri } from './run-url.ts';

/** Where a fan-out has come to, as the gateway tells it. [FANOUT 6] */
interface Completion {
  readonly type: string;
  readonly resultsUrl: string;
  /** 200 all succeeded, 250 some did not, 550 none, 551 cancelled, 101 quorum reached; `results`: the alert carried them. */
  readonly data: string;
  readonly mark: string | undefined;
  readonly correlator: string | undefined;
}

/** Announces results by their URL. */
const COMPLETION_TYPE = 'urn:oma:at:oma-gwmo:completionstatus:1.0';
/** Carries them; they are got from their URL all the same, so that there is one way in which they are read. */
const AGGREGATION_TYPE = 'urn:oma:at:oma-gwmo:resultaggregation:1.0';

/** Data of an alert that comes while the run is still going. */
export const QUORUM_REACHED = '101';
/** Data of the alert of a run that was cancelled. */
export const RUN_CANCELLED = '551';
/** Data of a completion whose alert carried the results. */
const CARRIED_RESULTS = 'results';

/** Whether an alert is of a Type that tells of runs, readable or not. */
export function tellsOfRun({ items }: AlertCommand): boolean {
  return items.some(({ meta }) => isRunType(meta?.type?.trim()));
}

/** The completion that a Generic Alert tells of; undefined when it tells of something else. */
export function completionOf(alert: AlertCommand): Completion | undefined {
  const [item] = alert.items;
  if (alert.code !== ALERT.generic || !item) return undefined;
  const type = item.meta?.type?.trim();
  const resultsUrl = item.source?.locUri;
  if (resultsUrl === undefined || !isRunType(type)) return undefined;
  const data = type === AGGREGATION_TYPE ? CARRIED_RESULTS : textOf(item.data)?.trim();
  if (data === undefined) return undefined;
  return { type, resultsUrl: relativeUri(resultsUrl), data, mark: item.meta?.mark, correlator: alert.correlator };
}

function isRunType(type: string | undefined): type is typeof COMPLETION_TYPE | typeof AGGREGATION_TYPE {
  return type === COMPLETION_TYPE || type === AGGREGATION_TYPE;
}
