import type { StartRequest } from '../../src/fanout/engine.ts';
import { createFanOutEngine } from '../../src/fanout/engine.ts';
import { createAuditNote } from '../../src/gateway/audit-trail.ts';
import { createGatewayTree } from '../../src/gateway/gateway-tree.ts';
import { createPlanning } from '../../src/gateway/planning.ts';
import { createRunControl } from '../../src/gateway/run-control.ts';
import type { Item, Meta, RequestCommand } from '../../src/protocol/message/message.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { executeCommands } from '../../src/tree/executor.ts';
import { deviceAccount, gatewaySetup, keptLog } from './gateway-fixture.ts';

/** How one command of one Item was answered. */
export interface Reply {
  readonly code: number;
  /** Item Data of the Status: the cause of a refusal. */
  readonly cause: string | undefined;
  /** Items of the Results. */
  readonly items: readonly Item[];
}

/** The gateway's tree over a real store and a real engine that notifies nobody. */
export async function treeFixture(
  options: { serverIds?: readonly string[]; maxActiveRuns?: number; now?: number } = {},
) {
  const store = await openGatewayStore('sqlite::memory:');
  const started: StartRequest[] = [];
  const engine = createFanOutEngine({
    store: store.fanOut,
    notifier: { notify: () => Promise.resolve('sent') },
    clock: { now: () => 1_000_000, wallNow: () => 1_000_000, after: () => () => undefined },
    events: {
      runStarted: () => undefined,
      runCompleted: () => undefined,
      runChanged: () => undefined,
      clockJumped: () => undefined,
      alertReady: () => undefined,
      problem: () => undefined,
    },
    random: () => 0,
    maxActiveRuns: options.maxActiveRuns ?? 2,
    maxAnswerBytes: 1_048_576,
  });
  const log = keptLog();
  const note = createAuditNote(store.audit, () => 1_000_000, log);
  const makePlan = createPlanning({ ...store, now: () => 1_000_000 });
  const setup = gatewaySetup(store, log, { id: 'srv', url: 'http://127.0.0.1:1/dm' });
  const [server] = setup.servers;
  const tree = createGatewayTree({
    ...setup,
    servers: (options.serverIds ?? ['srv', 'other']).map((id) => ({ ...server!, id })),
    version: '1.2.3',
    maxObjBytes: 10_000,
    clock: { now: () => options.now ?? 1_000_000 },
    control: createRunControl(
      {
        ...engine,
        startRun(request) {
          started.push(request);
          return engine.startRun(request);
        },
      },
      note,
    ),
    makePlan,
    note,
  });
  await store.devices.add(['urn:dev:1', 'urn:dev:2'].map((id) => deviceAccount(id, undefined)));

  /** The Status codes of a command, those of its children included. */
  async function codesOf(command: RequestCommand): Promise<number[]> {
    const codes: number[] = [];
    for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command])) {
      if (answer.kind === 'Status') codes.push(answer.code);
    }
    return codes;
  }

  async function run(command: RequestCommand, serverId: string): Promise<Reply> {
    const items: Item[] = [];
    let code = 0;
    let cause: string | undefined;
    for await (const answer of executeCommands(tree, { serverId }, '1', [command])) {
      if (answer.kind === 'Results') items.push(...answer.items);
      else {
        code = answer.code;
        cause = typeof answer.items[0]?.data === 'string' ? answer.items[0].data : undefined;
      }
    }
    return { code, cause, items };
  }

  const one = (kind: 'Get' | 'Add' | 'Replace' | 'Delete', item: Item, serverId = 'srv') =>
    run({ kind, cmdId: '1', items: [item] }, serverId);

  return {
    store,
    engine,
    makePlan,
    started,
    codesOf,
    get: (locUri: string, serverId?: string) => one('Get', { target: { locUri } }, serverId),
    add: (locUri: string, data: string, meta: Meta = { format: 'chr' }) =>
      one('Add', { target: { locUri }, meta, data }),
    replace: (locUri: string, data: string | Uint8Array, meta: Meta = { format: 'chr' }, serverId = 'srv') =>
      one('Replace', { target: { locUri }, meta, data }, serverId),
    delete: (locUri: string) => one('Delete', { target: { locUri } }),
    exec: (locUri: string, correlator?: string, serverId = 'srv', data?: string) =>
      run({ kind: 'Exec', cmdId: '1', correlator, items: [{ target: { locUri }, data }] }, serverId),
    close: async () => {
      await engine.close();
      await store.close();
    },
  };
}

/** Leaves of a subtree by LocURI. */
export function valuesOf({ items }: Reply): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    items
      .filter(({ meta }) => meta?.format !== 'node')
      .map(({ source, data }) => [source?.locUri ?? '', data] as const),
  );
}
