import { Agent } from 'undici';
import type { NotificationSender } from './notification-sender.ts';
import type { Trace } from './trace.ts';

/** Pushes package #0 over HTTP, to the device itself or to whoever brings it there. */
export interface HttpPush extends NotificationSender {
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

interface HttpPushOptions {
  /** Most connections to one origin. */
  readonly connections: number;
  /** Bound on one push, waiting for a connection included. */
  readonly timeoutMs: number;
  readonly trace?: Trace | undefined;
}

const HEADERS = {
  'content-type': 'application/vnd.syncml.notification',
  'x-wap-application-id': 'x-wap-application:syncml.dm',
  'cache-control': 'no-store',
};
/** Of an answer nobody reads. */
const MAX_ANSWER_BYTES = 16_384;
/** They say that later it may go. */
const BUSY: readonly number[] = [429, 502, 503, 504];

/** OTA-HTTP push: 2xx is sent, a redirect is a refusal like every other answer. [NOTI 6] */
export function openHttpPush({ connections, timeoutMs, trace }: HttpPushOptions): HttpPush {
  // The signal bounds the whole push, in finer steps than these timers.
  const agent = new Agent({ connections, headersTimeout: 0, bodyTimeout: 0 });
  return {
    async send(address, bytes) {
      const url = URL.canParse(address) ? new URL(address) : undefined;
      if (!url || !/^https?:$/.test(url.protocol)) return 'refused';
      trace?.record('out', url.host, 'package0', bytes);
      const { statusCode, body } = await agent.request({
        origin: url.origin,
        method: 'POST',
        path: `${url.pathname}${url.search}`,
        headers: HEADERS,
        body: bytes,
        signal: AbortSignal.timeout(timeoutMs),
      });
      await body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => undefined);
      if (BUSY.includes(statusCode)) throw new Error(`HTTP ${statusCode}`);
      return statusCode >= 200 && statusCode < 300 ? 'sent' : 'refused';
    },
    close: () => agent.destroy(),
  };
}
