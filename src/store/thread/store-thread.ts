import { parentPort, workerData } from 'node:worker_threads';
import type { ResultLines } from '../result-lines.ts';
import { openGatewayStore } from '../sqlite/open.ts';
import { failureOf } from './failure.ts';
import type { Call, News, ThreadOrder, Units } from './messages.ts';
import { Outbox } from './outbox.ts';
import { dataPort } from './stored-terms.ts';

type Method = (...args: readonly unknown[]) => Promise<unknown>;

const port = parentPort;
if (!port) throw new TypeError('this is to be run as a thread');
const { url, maxBytes } = workerData as ThreadOrder;
const outbox = new Outbox<News>(
  (news) => port.postMessage(news, buffersOfLines(news)),
  (news, reason) => {
    if (news.kind !== 'result') throw reason;
    outbox.put({ kind: 'failure', id: news.id, failure: failureOf(reason) });
  },
);

try {
  const store = await openGatewayStore(url, { maxBytes, meter: (commit) => outbox.put({ kind: 'commit', commit }) });
  const ports = { ...store, fanOut: { ...store.fanOut, ...dataPort(store.fanOut) } };
  const methods = new Map(namedMethods(ports, ''));

  const perform = async ({ id, name, args }: Call): Promise<void> => {
    try {
      const method = methods.get(name);
      if (!method) throw new TypeError(`the store has no method ${name}`);
      outbox.put({ kind: 'result', id, result: await method(...args) });
    } catch (error) {
      outbox.put({ kind: 'failure', id, failure: failureOf(error) });
    }
  };

  const closing = async (call: Call): Promise<void> => {
    await perform(call);
    outbox.flush();
    port.close();
  };

  port.on('message', (units: Units) => {
    for (const unit of units) {
      const [call, ...others] = unit;
      if (others.length > 0) void store.fanOut.together(() => unit.map(perform));
      else if (call) void (call.name === 'close' ? closing(call) : perform(call));
    }
  });
  outbox.put({ kind: 'open', names: [...methods.keys()] });
} catch (error) {
  outbox.put({ kind: 'refused', failure: failureOf(error) });
}

/** Result lines are large, and this thread is done with them: their buffers are handed over, where others are copied. */
function buffersOfLines(news: readonly News[]): ArrayBuffer[] {
  return news.flatMap((item) => {
    const octets = item.kind === 'result' && isResultLines(item.result) ? item.result.octets : undefined;
    const buffer = octets?.buffer;
    return buffer instanceof ArrayBuffer && buffer.byteLength === octets?.byteLength ? [buffer] : [];
  });
}

function isResultLines(result: unknown): result is ResultLines {
  return typeof result === 'object' && result !== null && 'octets' in result && result.octets instanceof Uint8Array;
}

/** Methods of the store and of its parts, by name. */
function* namedMethods(part: object, prefix: string): Generator<[string, Method]> {
  for (const [name, value] of Object.entries(part) as [string, object][]) {
    if (typeof value === 'function') yield [`${prefix}${name}`, value as Method];
    else yield* namedMethods(value, `${prefix}${name}.`);
  }
}
