import { Worker } from 'node:worker_threads';
import type { FanOutStore } from '../../fanout/store.ts';
import { DmError } from '../../protocol/errors.ts';
import type { GatewayStore } from '../gateway-store.ts';
import type { CommitMeter } from '../measures.ts';
import { errorOf } from './failure.ts';
import type { Call, News, ThreadOrder, Units } from './messages.ts';
import { Outbox } from './outbox.ts';
import type { DataPort } from './stored-terms.ts';

/** Bounds of the thread's heap: it holds a page of rows at a time. */
const YOUNG_MIB = 8;

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (reason: Error) => void;
}

interface Parts {
  [name: string]: Parts | ((...args: readonly unknown[]) => Promise<never>);
}

interface ThreadOptions {
  readonly maxBytes?: number | undefined;
  readonly meter?: CommitMeter | undefined;
}

/**
 * Opens the database of a gateway as `openGatewayStore` of SQLite does, in a thread of its own: while that works, or
 * waits for the disk, this one goes on serving sessions. Throws what that one throws, and STORE_OPEN where the thread does
 * not start. Once it is open an error that is nobody's answer ends the process, as it would in this thread.
 */
export async function openGatewayStoreThread(url: string, { maxBytes, meter }: ThreadOptions): Promise<GatewayStore> {
  const workerData: ThreadOrder = { url, maxBytes };
  const thread = new Worker(new URL('./store-thread.js', import.meta.url), {
    workerData,
    // What Node.js says of its own SQLite is nothing that an operator can act on. The options of this process are not
    // passed on: a thread refuses those of V8, such as the size of the heap, which hold for all threads anyway.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  const waiting = new Map<number, Waiting>();
  const outbox = new Outbox<Units[number]>((units) => thread.postMessage(units), refuse);
  let unit: Call[] | undefined;
  let calls = 0;
  let isOpen = false;
  let isGone = false;

  function call(name: string, args: readonly unknown[]): Promise<never> {
    return new Promise<never>((resolve, reject) => {
      if (isGone) throw storeClosed();
      const id = ++calls;
      waiting.set(id, { resolve, reject });
      if (unit) unit.push({ id, name, args });
      else outbox.put([{ id, name, args }]);
    });
  }

  function together<Result>(ask: () => Result): Result {
    if (unit) return ask();
    const gathered: Call[] = [];
    unit = gathered;
    try {
      return ask();
    } finally {
      unit = undefined;
      if (gathered.length > 0) outbox.put(gathered);
    }
  }

  function refuse(calls: readonly Call[], reason: unknown): void {
    for (const { id, name } of calls) {
      waiting.get(id)?.reject(new TypeError(`${name} cannot be sent to the thread of the store`, { cause: reason }));
      waiting.delete(id);
    }
  }

  function take(news: Exclude<News, { kind: 'open' | 'refused' }>): void {
    if (news.kind === 'commit') return meter?.(news.commit);
    const caller = waiting.get(news.id);
    waiting.delete(news.id);
    if (news.kind === 'result') caller?.resolve(news.result as never);
    else caller?.reject(errorOf(news.failure));
  }

  const names = await new Promise<readonly string[]>((resolve, reject) => {
    thread.on('message', (all: readonly News[]) => {
      for (const news of all) {
        if (news.kind === 'refused') reject(errorOf(news.failure));
        else if (news.kind !== 'open') take(news);
        else {
          isOpen = true;
          resolve(news.names);
        }
      }
    });
    thread.on('error', (error) => {
      if (isOpen) throw error;
      reject(new DmError('STORE_OPEN', `the thread of the store did not start: ${error.message}`, { cause: error }));
    });
    thread.on('exit', () => {
      isGone = true;
      for (const caller of waiting.values()) caller.reject(storeClosed());
      waiting.clear();
    });
  });
  return withFunctions(remote(names, call), call, together);
}

/** An object for each part, with its methods. */
function remote(
  names: readonly string[],
  call: (name: string, args: readonly unknown[]) => Promise<never>,
): GatewayStore {
  const store: Parts = {};
  for (const name of names) {
    const path = name.split('.');
    const method = path.pop() ?? '';
    const part = path.reduce<Parts>((parent, child) => (parent[child] ??= {}) as Parts, store);
    part[method] = (...args: readonly unknown[]) => call(name, args);
  }
  return store as unknown as GatewayStore;
}

/** What takes functions asks with data. */
function withFunctions(
  store: GatewayStore,
  call: (name: string, args: readonly unknown[]) => Promise<never>,
  together: FanOutStore['together'],
): GatewayStore {
  const ask = <Name extends keyof DataPort>(
    name: Name,
    ...args: Parameters<DataPort[Name]>
  ): ReturnType<DataPort[Name]> => call(`fanOut.${name}`, args) as ReturnType<DataPort[Name]>;
  return {
    ...store,
    devices: {
      ...store.devices,
      saveNonces: (key, { client, server }, clientDigest) =>
        store.devices.saveNonces(key, { client: ownOctets(client), server: ownOctets(server) }, clientDigest),
    },
    fanOut: {
      ...store.fanOut,
      together,
      createRun: (order, { maxActiveRuns }) => ask('createRun', order, maxActiveRuns),
      claimDue(run, now, limits, { terms }) {
        if (!terms) throw new TypeError('this decision cannot be sent to the thread of the store');
        return ask('claimDue', run, now, limits, terms);
      },
    },
  };
}

/** A buffer goes to another thread as a whole, and a decoded nonce lies in one of 8 KiB that Node.js shares out. */
function ownOctets(octets: Uint8Array | undefined): Uint8Array | undefined {
  return octets && Uint8Array.from(octets);
}

function storeClosed(): DmError {
  return new DmError('STORE_CLOSED', 'the store is closed');
}
