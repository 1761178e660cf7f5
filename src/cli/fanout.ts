import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { countsSchema, resultSchema, outcomeSchema } from '../api/shapes.ts';
import { OUTCOMES } from '../fanout/outcome.ts';
import { POLICY_ROWS, type PolicyInput } from '../fanout/policy.ts';
import type { ApiClient } from '../app/api-client.ts';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { RefusedError, UsageError } from '../app/failure.ts';
import { EXIT } from './exit-code.ts';
import { answer, answerJson, say, table } from './output.ts';

/** What both APIs say of a run; the rest is passed on. */
const runSchema = z.looseObject({
  id: z.int(),
  state: z.string(),
  group: z.string(),
  resultsUrl: z.string().nullable(),
  counts: countsSchema.nullable(),
  correlator: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullish(),
});
type RunView = z.infer<typeof runSchema>;

const POLL_MS = 250;

interface StartOptions extends ApiOptions {
  readonly group: string;
  readonly commands: string;
  readonly correlator?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
  readonly [flag: string]: unknown;
}

/** `dmgw fanout …`: runs, through the API of the DM Server or of the gateway. */
export function fanoutCommand(): Command {
  const fanout = new Command('fanout').description('start and look at fan-outs');
  fanout.addCommand(startCommand());
  fanout.addCommand(listCommand());
  fanout.addCommand(showCommand());
  fanout.addCommand(resultsCommand());
  return fanout;
}

function startCommand(): Command {
  const command = withApi(new Command('start'))
    .description('send the commands of a file to every device of a group')
    .requiredOption('--group <name>', 'device group on the gateway')
    .requiredOption('--commands <file>', 'SyncML commands in XML')
    .option('--correlator <text>', 'comes back in the alert')
    .option('--wait', 'wait for the end; the exit code tells how it went')
    .option('--json', 'answer JSON')
    .addHelpText(
      'after',
      '\nExample:\n  dmgw fanout start --server http://127.0.0.1:8081 --group meters --commands get.xml --wait',
    );
  for (const row of POLICY_ROWS) {
    command.addOption(new Option(`${row.flag} <n>`, `${row.meaning} (${row.min} to ${row.max})`));
  }
  return command.action(async (options: StartOptions) => {
    const api = chosenApi(options);
    const policy = policyBody(options);
    if (options.server !== undefined && policy.policy !== undefined) {
      throw new UsageError('policy flags with --server are not available in this version: set them in gateway.yaml');
    }
    const body = {
      group: options.group,
      commands: await readCommands(options.commands),
      correlator: options.correlator,
      ...policy,
      ...(options.server === undefined ? {} : { gatewayId: options.gatewayId }),
    };
    let run = await api.post('/api/v1/runs', body, runSchema);
    if (options.wait) {
      say(`run ${run.id} started`);
      run = await waitForEnd(api, run.id);
    }
    // A run that was refused is an answer for programs; people get its error.
    if (options.json) answerJson(run);
    else if (!run.error) answer(describe(run));
    if (options.wait) process.exitCode = exitCodeOfRun(run);
  });
}

function listCommand(): Command {
  return withApi(new Command('list'))
    .description('runs, newest first')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw fanout list --gateway http://127.0.0.1:8083')
    .action(async (options: ApiOptions & { limit: string; json?: boolean }) => {
      const limit = encodeURIComponent(options.limit);
      const { runs } = await chosenApi(options).get(
        `/api/v1/runs?limit=${limit}`,
        z.object({ runs: z.array(runSchema) }),
      );
      if (options.json) {
        answerJson(runs);
        return;
      }
      const rows = runs.map((run) => [String(run.id), run.state, run.group, run.startedAt, countsText(run)]);
      answer(table([['RUN', 'STATE', 'GROUP', 'STARTED', 'OUTCOMES'], ...rows]));
    });
}

function showCommand(): Command {
  return withApi(new Command('show'))
    .description('one run: state, counts, alert')
    .argument('<run>', 'its number')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw fanout show 1 --server http://127.0.0.1:8081')
    .action(async (run: string, options: ApiOptions & { json?: boolean }) => {
      const found = await chosenApi(options).get(`/api/v1/runs/${runNumber(run)}`, runSchema);
      if (options.json) answerJson(found);
      else answer(describe(found));
    });
}

function resultsCommand(): Command {
  return withApi(new Command('results'))
    .description('outcome and answer of each device')
    .argument('<run>', 'number of the run')
    .addOption(new Option('--outcome <outcome>', 'only these').choices(OUTCOMES))
    .option('--json', 'answer JSON lines')
    .addHelpText('after', '\nExample:\n  dmgw fanout results 1 --outcome failed --server http://127.0.0.1:8081')
    .action(async (run: string, options: ApiOptions & { outcome?: string; json?: boolean }) => {
      const query = options.outcome === undefined ? '' : `?outcome=${outcomeSchema.parse(options.outcome)}`;
      const path = `/api/v1/runs/${runNumber(run)}/results${query}`;
      for await (const row of chosenApi(options).rows(path, resultSchema)) {
        if (options.json) answer(JSON.stringify(row));
        else answer(`${row.deviceId}\t${row.outcome}\t${row.deResult ?? ''}`);
      }
    });
}

async function readCommands(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`--commands: ${file} cannot be read`);
  }
}

function policyBody(options: StartOptions): { policy?: PolicyInput } {
  const policy: Record<string, number> = {};
  for (const row of POLICY_ROWS) {
    const text = options[camel(row.flag)];
    if (typeof text !== 'string') continue;
    const value = Number(text);
    if (!Number.isInteger(value) || value < row.min || value > row.max) {
      throw new UsageError(`${row.flag} is ${text}; allowed is ${row.min} to ${row.max}`);
    }
    policy[row.node] = value;
  }
  return Object.keys(policy).length === 0 ? {} : { policy };
}

function camel(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function runNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`${text} is no run number`);
}

const ENDED = ['complete', 'failed', 'cancelled'];

async function waitForEnd(api: ApiClient, id: number): Promise<RunView> {
  let last = '';
  for (;;) {
    const run = await api.get(`/api/v1/runs/${id}`, runSchema);
    const progress = `${run.state} ${countsText(run)}`.trimEnd();
    if (progress !== last) say(progress);
    last = progress;
    if (ENDED.includes(run.state)) return run;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function countsText({ counts }: RunView): string {
  if (!counts) return '';
  const parts = OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => `${counts[outcome]} ${outcome}`);
  return `${counts.targets} devices: ${parts.join(', ')}`;
}

function describe(run: RunView): string {
  const rows = [
    ['run', String(run.id)],
    ['state', run.state],
    ['group', run.group],
    ['results', run.resultsUrl ?? '-'],
    ['outcomes', countsText(run) || '-'],
    ['started', run.startedAt],
    ['ended', run.endedAt ?? '-'],
  ];
  if (run.error) rows.push(['error', `${run.error.message} (${run.error.code})`]);
  return table(rows);
}

function exitCodeOfRun(run: RunView): number {
  if (run.error) throw new RefusedError(run.error.code, run.error.message);
  if (run.state === 'cancelled') return EXIT.cancelled;
  if (!run.counts || run.counts.succeeded === 0) return EXIT.refused;
  return run.counts.succeeded === run.counts.targets ? EXIT.ok : EXIT.someFailed;
}
