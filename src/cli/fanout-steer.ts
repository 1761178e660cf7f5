import { Command, InvalidArgumentError } from 'commander';
import { SETTLED_OUTCOMES, type SettledOutcome } from '../fanout/outcome.ts';
import { apiClient } from '../app/api-client.ts';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { waitAndAnswer } from './fanout-watch.ts';
import { jobSchema, waitForJob } from './job-wait.ts';
import { answer, answerJson, say } from './output.ts';
import { policyOf, withPolicyFlags } from './policy-flags.ts';
import { describeRun, runNumber, runSchema } from './run-view.ts';

const STEERING = {
  pause: 'no more turns and commands until it is resumed; what has left may be answered',
  resume: 'a paused run goes on; after too many failures with its next wave',
  cancel: 'devices that were never sent their commands end as cancelled, the others at their answer or deadline',
} as const;

/** `dmgw fanout pause`, `resume` and `cancel`. Through the DM Server it is done by DM sessions, and waited for. */
export function steeringCommands(): readonly Command[] {
  return (Object.entries(STEERING) as readonly [keyof typeof STEERING, string][]).map(([action, description]) =>
    withApi(new Command(action))
      .description(description)
      .argument('<run>', 'its number')
      .option('--json', 'answer JSON')
      .addHelpText('after', `\nExample:\n  dmgw fanout ${action} 2 --server http://127.0.0.1:8081`)
      .action(async (run: string, options: ApiOptions & { json?: boolean }) => {
        const api = chosenApi(options);
        const path = `/api/v1/runs/${runNumber(run)}`;
        const asked = await api.post(`${path}/${action}`, {}, runSchema.extend({ job: jobSchema.optional() }));
        if (asked.job) await waitForJob(api, asked.job.id);
        const now = asked.job ? await api.get(path, runSchema) : asked;
        if (options.json) answerJson(now);
        else answer(describeRun(now));
      }),
  );
}

/** `dmgw fanout delete`: a run that has ended, with its results. */
export function deleteCommand(): Command {
  return new Command('delete')
    .description('forget a run that has ended, with its results')
    .argument('<run>', 'its number at the gateway')
    .requiredOption('--gateway <url>', 'API of the gateway')
    .addHelpText('after', '\nExample:\n  dmgw fanout delete 2 --gateway http://127.0.0.1:8083')
    .action(async (text: string, options: { gateway: string }) => {
      const run = runNumber(text);
      await apiClient(options.gateway).remove(`/api/v1/runs/${run}`);
      answer(`run ${run} deleted`);
    });
}

interface RetryOptions extends ApiOptions {
  readonly outcome?: readonly SettledOutcome[];
  readonly correlator?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
  readonly [flag: string]: unknown;
}

/** `dmgw fanout retry`: members of a run that has ended, in a run of their own. */
export function retryCommand(): Command {
  const command = withApi(new Command('retry'))
    .description('run devices of an ended run again, as a run of its own with the policy of the earlier one')
    .argument('<run>', 'number of the run that has ended')
    .option(
      '--outcome <outcomes>',
      `which devices, by how they ended, with commas between (${SETTLED_OUTCOMES.join(', ')}); default: all that did not succeed`,
      outcomesIn,
    )
    .option('--correlator <text>', 'comes back in the alert')
    .option('--wait', 'wait for the end; the exit code tells how it went. Ctrl-C ends the waiting, not the run')
    .option('--json', 'answer JSON')
    .addHelpText(
      'after',
      '\nExample:\n  dmgw fanout retry 2 --outcome timed-out,unknown --wait --server http://127.0.0.1:8081',
    );
  return withPolicyFlags(command).action(async (earlier: string, options: RetryOptions) => {
    const { outcome: outcomes, correlator } = options;
    const path = `/api/v1/runs/${runNumber(earlier)}/retry`;
    const policy = policyOf(options);
    const order = { outcomes, correlator, ...(Object.keys(policy).length === 0 ? {} : { policy }) };
    const run = await chosenApi(options).post(path, order, runSchema);
    if (options.wait) {
      say(`run ${run.id} started`);
      await waitAndAnswer(options, run.id);
    } else if (options.json) answerJson(run);
    else answer(describeRun(run));
  });
}

function outcomesIn(text: string): readonly SettledOutcome[] {
  return text.split(',').map((name) => {
    const outcome = SETTLED_OUTCOMES.find((known) => known === name.trim());
    if (outcome !== undefined) return outcome;
    throw new InvalidArgumentError(`${name} is no outcome; allowed are ${SETTLED_OUTCOMES.join(', ')}.`);
  });
}
