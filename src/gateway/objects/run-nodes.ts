import { SETTLED_OUTCOMES, type SettledOutcome, UNSUCCESSFUL_OUTCOMES } from '../../fanout/outcome.ts';
import type { PolicyInput } from '../../fanout/policy.ts';
import type { FanOutStore, Run } from '../../fanout/store.ts';
import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { Data } from '../../protocol/message/message.ts';
import { pagesOf } from '../../store/pages.ts';
import { formatLocUri } from '../../tree/loc-uri.ts';
import {
  type Caller,
  type ExecRequest,
  type ExecResult,
  isAtOrBelow,
  type Path,
} from '../../tree/management-object.ts';
import { type Behaviours, type NodeBehaviour, type NodeRow, type NodeTable, textOf } from './node-table.ts';
import type { RunControl } from '../run-control.ts';
import { resultsUrl } from './results-url.ts';

const PAGE = 100;
/** Longest name that a refusal quotes: what is allowed has to fit in behind it. */
const MAX_QUOTED_CHARS = 20;
const RUNS: Path = ['FanOut', 'Ext', 'Runs'];
const EXEC = { format: 'null', access: ['Exec'], occurrence: 'One' } as const satisfies NodeRow;
const TEXT = { format: 'chr', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;

/** `Ext/Runs` of the Fan-Out MO: the runs of this instance, and what steers them. [FANOUT 3] */
export const RUN_NODES = {
  'FanOut/Ext/Runs': { format: 'node', access: ['Get'], occurrence: 'One' },
  'FanOut/Ext/Runs/*': { format: 'node', access: ['Get'], occurrence: 'ZeroOrMore' },
  'FanOut/Ext/Runs/*/State': TEXT,
  'FanOut/Ext/Runs/*/ResultsURL': TEXT,
  'FanOut/Ext/Runs/*/Correlator': { ...TEXT, occurrence: 'ZeroOrOne' },
  'FanOut/Ext/Runs/*/Pause': EXEC,
  'FanOut/Ext/Runs/*/Resume': EXEC,
  'FanOut/Ext/Runs/*/Cancel': EXEC,
  'FanOut/Ext/Runs/*/Retry': EXEC,
} as const satisfies NodeTable;

interface RunNodePorts {
  readonly fanOut: Pick<FanOutStore, 'run' | 'runs'>;
  readonly control: RunControl;
  /** What `Ext/Policy` holds: a retry is the next run too. */
  readonly writtenPolicy: () => Promise<PolicyInput>;
}

/** The run whose node in an instance of the Fan-Out MO has this path; undefined: it is no such node. */
export function runOfNode(path: Path, root: Path): number | undefined {
  const runs = [...root, ...RUNS];
  const [name, ...more] = isAtOrBelow(path, runs) ? path.slice(runs.length) : [];
  return name === undefined || more.length > 0 ? undefined : runNumber(name);
}

/** The runs that were started at one instance. */
export function createRunNodes(
  root: Path,
  { fanOut, control, writtenPolicy }: RunNodePorts,
): Behaviours<typeof RUN_NODES> {
  const fanOutRoot = formatLocUri(root);

  async function runByName(name: string): Promise<Run | undefined> {
    const number = runNumber(name);
    const run = number === undefined ? undefined : await fanOut.run(number);
    return run?.fanOutRoot === fanOutRoot ? run : undefined;
  }

  const ofRun = (select: (run: Run) => string | undefined): NodeBehaviour<readonly [string]> => ({
    async read([name]) {
      const run = await runByName(name);
      return run && select(run);
    },
  });

  const steering = (how: 'pauseRun' | 'resumeRun' | 'cancelRun'): NodeBehaviour<readonly [string]> => ({
    async exec([name], _, { serverId }) {
      await control[how](Number(name), serverId);
      return { status: STATUS.ok };
    },
  });

  async function retry([name]: readonly [string], request: ExecRequest, caller: Caller): Promise<ExecResult> {
    const locUri = formatLocUri([...root, ...RUNS, name, 'Retry']);
    const { serverId } = caller;
    const outcomes = outcomesIn(request.item.data, locUri);
    const run = await control.retryRun(
      {
        run: Number(name),
        outcomes,
        serverId,
        correlator: request.correlator,
        idempotencyKey: undefined,
        policy: await writtenPolicy(),
      },
      serverId,
    );
    return { status: STATUS.accepted, data: resultsUrl(run.number) };
  }

  return {
    'FanOut/Ext/Runs/*': {
      exists: async ([name]) => (await runByName(name)) !== undefined,
      async *list() {
        const all = pagesOf(PAGE, (last: Run | undefined) => fanOut.runs(last?.number, PAGE));
        for await (const run of all) if (run.fanOutRoot === fanOutRoot) yield String(run.number);
      },
    },
    'FanOut/Ext/Runs/*/State': ofRun(({ state }) => state),
    'FanOut/Ext/Runs/*/ResultsURL': ofRun(({ number }) => resultsUrl(number)),
    'FanOut/Ext/Runs/*/Correlator': ofRun(({ correlator }) => correlator),
    'FanOut/Ext/Runs/*/Pause': steering('pauseRun'),
    'FanOut/Ext/Runs/*/Resume': steering('resumeRun'),
    'FanOut/Ext/Runs/*/Cancel': steering('cancelRun'),
    'FanOut/Ext/Runs/*/Retry': { exec: retry },
  };
}

/** Outcomes separated by commas or blanks; none: every outcome that is no success. Throws `StatusError` 400. */
function outcomesIn(data: Data | undefined, locUri: string): readonly SettledOutcome[] {
  const names = textOf(data ?? '', locUri)
    .split(/[\s,]+/)
    .filter((name) => name !== '');
  if (names.length === 0) return UNSUCCESSFUL_OUTCOMES;
  return [...new Set(names)].map((name) => {
    const outcome = SETTLED_OUTCOMES.find((known) => known === name);
    if (outcome !== undefined) return outcome;
    throw new StatusError(
      STATUS.badRequest,
      'GATEWAY_RETRY',
      `${locUri}: ${JSON.stringify(name.slice(0, MAX_QUOTED_CHARS))} is no outcome; allowed are ${SETTLED_OUTCOMES.join(', ')}`,
    );
  });
}

function runNumber(name: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(name) ? Number(name) : undefined;
}
