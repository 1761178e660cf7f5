import { Command } from 'commander';
import { z } from 'zod';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { compareCommand, verifyCommand } from './fanout-compare.ts';
import { resultsCommand } from './fanout-results.ts';
import { planCommand, startCommand } from './fanout-start.ts';
import { deleteCommand, retryCommand, steeringCommands } from './fanout-steer.ts';
import { watchCommand } from './fanout-watch.ts';
import { answer, answerJson, table } from './output.ts';
import { countsText, describeRun, runNumber, runSchema } from './run-view.ts';

/** `dmgw fanout …`: runs, through the API of the DM Server or of the gateway. */
export function fanoutCommand(): Command {
  const fanout = new Command('fanout').description('start, follow and steer fan-outs, and look at what came of them');
  for (const command of [
    startCommand(),
    planCommand(),
    listCommand(),
    showCommand(),
    watchCommand(),
    resultsCommand(),
    ...steeringCommands(),
    retryCommand(),
    deleteCommand(),
    compareCommand(),
    verifyCommand(),
  ]) {
    fanout.addCommand(command);
  }
  return fanout;
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
      else answer(describeRun(found));
    });
}
