import { ALERT } from '../protocol/message/codes.ts';
import type { AlertCommand } from '../protocol/message/message.ts';
import { textOf } from './answers.ts';

/** The end of a fan-out, as the gateway tells it. [FANOUT 6] */
interface Completion {
  readonly type: string;
  readonly resultsUrl: string;
  /** 200 all succeeded, 250 some did not, 550 none, 551 cancelled. */
  readonly data: string;
  readonly mark: string | undefined;
  readonly correlator: string | undefined;
}

const COMPLETION_TYPE = 'urn:oma:at:oma-gwmo:completionstatus:1.0';

/** The completion that a Generic Alert tells of; undefined when it tells of something else. */
export function completionOf(alert: AlertCommand): Completion | undefined {
  const [item] = alert.items;
  if (alert.code !== ALERT.generic || !item) return undefined;
  const type = item.meta?.type?.trim();
  const resultsUrl = item.source?.locUri;
  const data = textOf(item.data)?.trim();
  if (type !== COMPLETION_TYPE || resultsUrl === undefined || data === undefined) return undefined;
  return { type, resultsUrl: relativeUri(resultsUrl), data, mark: item.meta?.mark, correlator: alert.correlator };
}

/** DM URIs are relative to the root; peers also write them with a leading slash. */
function relativeUri(locUri: string): string {
  return locUri.startsWith('/') ? `.${locUri}` : locUri;
}
