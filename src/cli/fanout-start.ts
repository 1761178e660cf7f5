import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { UsageError } from '../app/failure.ts';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { waitAndAnswer } from './fanout-watch.ts';
import { answer, answerJson, say } from './output.ts';
import { askForPlan } from './plan-view.ts';
import { policyOf, withPolicyFlags } from './policy-flags.ts';
import { describeRun, runSchema } from './run-view.ts';

interface PlanOptions extends ApiOptions {
  readonly group: string;
  readonly commands: string;
  readonly json?: boolean;
  readonly [flag: string]: unknown;
}

interface StartOptions extends PlanOptions {
  readonly correlator?: string;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

/** `dmgw fanout start`: a run. */
export function startCommand(): Command {
  const command = withTarget(new Command('start'))
    .description('send the commands of a file to every device of a group')
    .option('--correlator <text>', 'comes back in the alert')
    .option('--wait', 'wait for the end; the exit code tells how it went. Ctrl-C ends the waiting, not the run')
    .option('--dry-run', 'start nothing: say what the start would come to, as `fanout plan` does')
    .option('--json', 'answer JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  dmgw fanout start --server http://127.0.0.1:8081 --group meters --commands get.xml --wait' +
        '\n  dmgw fanout start --gateway http://127.0.0.1:8083 --group meters --commands fw.xml --waves 10,25%,100% --max-failures 5',
    );
  return withPolicyFlags(command).action(async (options: StartOptions) => {
    const order = await orderOf(options);
    if (options.dryRun) {
      await askForPlan(options, order);
      return;
    }
    const { correlator } = options;
    const run = await chosenApi(options).post('/api/v1/runs', { ...order, correlator }, runSchema);
    if (options.wait) {
      say(`run ${run.id} started`);
      await waitAndAnswer(options, run.id);
    } else if (options.json) answerJson(run);
    else answer(describeRun(run));
  });
}

/** `dmgw fanout plan`: what a start would come to. */
export function planCommand(): Command {
  const command = withTarget(new Command('plan'))
    .description('say what a start would come to: members, sizes, members that cannot succeed; nothing is started')
    .option('--json', 'answer JSON')
    .addHelpText(
      'after',
      '\nExample:\n  dmgw fanout plan --gateway http://127.0.0.1:8083 --group meters --commands fw.xml',
    );
  return withPolicyFlags(command).action(async (options: PlanOptions) => askForPlan(options, await orderOf(options)));
}

function withTarget(command: Command): Command {
  return withApi(command)
    .requiredOption('--group <name>', 'device group on the gateway')
    .requiredOption('--commands <file>', 'SyncML commands in XML');
}

/** What a start and a plan have in common, as both APIs take it. */
async function orderOf(options: PlanOptions): Promise<Readonly<Record<string, unknown>>> {
  const policy = policyOf(options);
  return {
    group: options.group,
    commands: await readCommands(options.commands),
    ...(Object.keys(policy).length === 0 ? {} : { policy }),
    ...(options.server === undefined ? {} : { gatewayId: options.gatewayId }),
  };
}

async function readCommands(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`--commands: ${file} cannot be read`);
  }
}
