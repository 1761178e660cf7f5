import type { Outcome } from '../../fanout/outcome.ts';
import type { AsyncAnswer, FanOutStore, Member, Run } from '../../fanout/store.ts';
import { decodeSyncBody, encodeSyncBody } from '../../fanout/sync-body.ts';
import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import { pagesOf } from '../../store/pages.ts';
import type { Caller, ManagementObject } from '../../tree/management-object.ts';
import { CLUSTER_NODES, createClusterNodes } from './cluster-nodes.ts';
import { FAN_OUT_MO } from './fan-out.ts';
import { type Leaves, type NodeRow, type NodeTable, tableObject } from './node-table.ts';
import { numberOfResults, RESULTS_ROOT, resultsUrl } from './results-url.ts';
import { utcTime } from './utc-time.ts';

const PAGE = 100;
const INTERIOR = { format: 'node', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;
const TEXT = { format: 'chr', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;
const NUMBER = { format: 'int', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;
const MAYBE_TEXT = { ...TEXT, occurrence: 'ZeroOrOne' } as const satisfies NodeRow;

/** Results of the runs: one object per run. [FANOUT 3] */
export const RESULTS_NODES = {
  '': INTERIOR,
  Results: INTERIOR,
  'Results/*': { format: 'node', type: FAN_OUT_MO, access: ['Get', 'Delete'], occurrence: 'ZeroOrMore' },
  'Results/*/Results': INTERIOR,
  'Results/*/Results/*': { format: 'node', access: ['Get'], occurrence: 'OneOrMore' },
  'Results/*/Results/*/DeviceID': TEXT,
  'Results/*/Results/*/DeResult': { format: 'xml', type: 'text/xml', access: ['Get'], occurrence: 'ZeroOrOne' },
  'Results/*/Results/*/Ext': INTERIOR,
  'Results/*/Results/*/Ext/Outcome': TEXT,
  'Results/*/Results/*/Ext/Attempts': NUMBER,
  'Results/*/Results/*/Ext/StartedAt': MAYBE_TEXT,
  'Results/*/Results/*/Ext/AnsweredAt': MAYBE_TEXT,
  'Results/*/Results/*/Ext/Late': TEXT,
  'Results/*/Results/*/Ext/Async': { format: 'xml', type: 'text/xml', access: ['Get'], occurrence: 'ZeroOrOne' },
  'Results/*/Ext': INTERIOR,
  'Results/*/Ext/Summary': INTERIOR,
  'Results/*/Ext/Summary/State': TEXT,
  'Results/*/Ext/Summary/Generation': NUMBER,
  'Results/*/Ext/Summary/StartedAt': TEXT,
  'Results/*/Ext/Summary/EndedAt': TEXT,
  'Results/*/Ext/Summary/Targets': NUMBER,
  'Results/*/Ext/Summary/Pending': NUMBER,
  'Results/*/Ext/Summary/Succeeded': NUMBER,
  'Results/*/Ext/Summary/Failed': NUMBER,
  'Results/*/Ext/Summary/TimedOut': NUMBER,
  'Results/*/Ext/Summary/Unreachable': NUMBER,
  'Results/*/Ext/Summary/Unauthorized': NUMBER,
  'Results/*/Ext/Summary/Cancelled': NUMBER,
  'Results/*/Ext/Summary/Unknown': NUMBER,
  'Results/*/Ext/Summary/Digest': MAYBE_TEXT,
  ...CLUSTER_NODES,
} as const satisfies NodeTable;

/** Leaves of a member, by their path below it. */
const MEMBER_LEAVES = {
  DeviceID: ({ deviceId }) => deviceId,
  DeResult: ({ deResult }) => deResult,
  'Ext/Outcome': ({ outcome }) => outcome,
  'Ext/Attempts': ({ attempts }) => String(attempts),
  'Ext/StartedAt': ({ startedAt }) => utcTime(startedAt),
  'Ext/AnsweredAt': ({ answeredAt }) => utcTime(answeredAt),
  'Ext/Late': ({ late }) => String(late),
  'Ext/Async': ({ asyncAnswers }) => alertsOf(asyncAnswers),
} as const satisfies Readonly<Record<string, (member: Member) => string | undefined>>;

/** The results of all runs that still have some; read from the store at every call. */
export function createResults(
  fanOut: Pick<FanOutStore, 'run' | 'runs' | 'deleteRun' | 'member' | 'clusters' | 'cluster' | 'clusterMembers'>,
  deleted: (run: number, caller: Caller) => Promise<void>,
): ManagementObject {
  async function runByName(name: string): Promise<Run | undefined> {
    const number = numberOfResults(name);
    return number === undefined ? undefined : fanOut.run(number);
  }

  async function memberByName(runName: string, name: string): Promise<Member | undefined> {
    const run = /^[1-9]\d{0,14}$/.test(name) ? numberOfResults(runName) : undefined;
    return run === undefined ? undefined : fanOut.member(run, Number(name));
  }

  const ofMember = (leaf: keyof typeof MEMBER_LEAVES) => ({
    async read([runName, name]: readonly [string, string]) {
      const member = await memberByName(runName, name);
      return member && MEMBER_LEAVES[leaf](member);
    },
  });

  const ofRun = (select: (run: Run) => string | number | undefined) => ({
    async read([runName]: readonly [string]) {
      const run = await runByName(runName);
      return run && select(run)?.toString();
    },
  });

  const count = (outcome: Outcome | 'targets') => ofRun(({ counts }) => counts[outcome]);

  return tableObject(RESULTS_ROOT, RESULTS_NODES, {
    'Results/*': {
      exists: async ([runName]) => (await runByName(runName)) !== undefined,
      async *list() {
        const all = pagesOf(PAGE, (last: Run | undefined) => fanOut.runs(last?.number, PAGE));
        for await (const { number } of all) yield `Results${number}`;
      },
      async delete([runName], caller) {
        const run = await runByName(runName);
        if (!run) return;
        if (await fanOut.deleteRun(run.number)) return deleted(run.number, caller);
        throw new StatusError(
          STATUS.commandNotAllowed,
          'GATEWAY_RUN_ACTIVE',
          `${resultsUrl(run.number)} belongs to a run that is still active`,
        );
      },
    },
    'Results/*/Results/*': {
      exists: async ([runName, name]) => (await memberByName(runName, name)) !== undefined,
      async *list([runName]) {
        const run = await runByName(runName);
        if (!run) return;
        for (let n = 1; n <= run.counts.targets; n += 1) yield String(n);
      },
      async leaves([runName, name]) {
        const member = await memberByName(runName, name);
        return member && leavesOf(member);
      },
    },
    'Results/*/Results/*/DeviceID': ofMember('DeviceID'),
    'Results/*/Results/*/DeResult': ofMember('DeResult'),
    'Results/*/Results/*/Ext/Outcome': ofMember('Ext/Outcome'),
    'Results/*/Results/*/Ext/Attempts': ofMember('Ext/Attempts'),
    'Results/*/Results/*/Ext/StartedAt': ofMember('Ext/StartedAt'),
    'Results/*/Results/*/Ext/AnsweredAt': ofMember('Ext/AnsweredAt'),
    'Results/*/Results/*/Ext/Late': ofMember('Ext/Late'),
    'Results/*/Results/*/Ext/Async': ofMember('Ext/Async'),
    'Results/*/Ext/Summary/State': ofRun(({ state }) => state),
    'Results/*/Ext/Summary/Generation': ofRun(({ generation }) => generation),
    'Results/*/Ext/Summary/StartedAt': ofRun(({ startedAt }) => utcTime(startedAt) ?? ''),
    'Results/*/Ext/Summary/EndedAt': ofRun(({ endedAt }) => utcTime(endedAt) ?? ''),
    'Results/*/Ext/Summary/Targets': count('targets'),
    'Results/*/Ext/Summary/Pending': count('pending'),
    'Results/*/Ext/Summary/Succeeded': count('succeeded'),
    'Results/*/Ext/Summary/Failed': count('failed'),
    'Results/*/Ext/Summary/TimedOut': count('timed-out'),
    'Results/*/Ext/Summary/Unreachable': count('unreachable'),
    'Results/*/Ext/Summary/Unauthorized': count('unauthorized'),
    'Results/*/Ext/Summary/Cancelled': count('cancelled'),
    'Results/*/Ext/Summary/Unknown': count('unknown'),
    'Results/*/Ext/Summary/Digest': ofRun(({ digest }) => digest),
    ...createClusterNodes(fanOut),
  });
}

function leavesOf(member: Member): Leaves {
  return Object.fromEntries(Object.entries(MEMBER_LEAVES).map(([leaf, select]) => [leaf, select(member)]));
}

/** The alerts that told the ends of Execs, as one SyncBody in the order in which they came. */
function alertsOf(answers: readonly AsyncAnswer[]): string | undefined {
  if (answers.length === 0) return undefined;
  const alerts = answers.flatMap(({ alert }) => decodeSyncBody(alert));
  return encodeSyncBody(alerts.map((alert, at) => ({ ...alert, cmdId: String(at + 1) })));
}
