import { Command } from 'commander';
import { z } from 'zod';
import { verificationSchema } from '../api/run-results-routes.ts';
import { resultSchema, type ResultShape } from '../api/shapes.ts';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { answersOf } from './de-result-line.ts';
import { EXIT } from './exit-code.ts';
import { answer, answerJson, printable, table } from './output.ts';
import { runNumber } from './run-view.ts';

const summarySchema = z.object({ summary: z.record(z.string(), z.int()) });
const rowSchema = z.object({
  deviceId: z.string(),
  difference: z.string(),
  here: resultSchema.nullable(),
  there: resultSchema.nullable(),
});
const lineSchema = z.union([rowSchema, summarySchema]);

/** `dmgw fanout compare`: devices that did otherwise in another run. */
export function compareCommand(): Command {
  return withApi(new Command('compare'))
    .description('devices whose outcome or answer is another one in another run; exits with 6 when there are any')
    .argument('<run>', 'number of the run')
    .argument('<other>', 'number of the run to compare it with')
    .option('--json', 'answer JSON lines: the devices, then a summary')
    .addHelpText('after', '\nExample:\n  dmgw fanout compare 3 2 --server http://127.0.0.1:8081')
    .action(async (run: string, other: string, options: ApiOptions & { json?: boolean }) => {
      const path = `/api/v1/runs/${runNumber(run)}/comparison?with=${runNumber(other)}`;
      for await (const line of chosenApi(options).rows(path, lineSchema)) {
        const isSummary = 'summary' in line;
        if (!isSummary || Object.entries(line.summary).some(([name, count]) => name !== 'same' && count > 0)) {
          process.exitCode = EXIT.different;
        }
        if (options.json) answer(JSON.stringify(line));
        else answer(isSummary ? summaryText(line.summary) : rowText(line, run, other));
      }
    });
}

/** `dmgw fanout verify`: what is kept of a run, made anew from its answers. */
export function verifyCommand(): Command {
  return withApi(new Command('verify'))
    .description('recompute counts, clusters, digest and alert from the answers; exits with 6 when something differs')
    .argument('<run>', 'number of the run')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw fanout verify 2 --gateway http://127.0.0.1:8083')
    .action(async (run: string, options: ApiOptions & { json?: boolean }) => {
      const found = await chosenApi(options).get(`/api/v1/runs/${runNumber(run)}/verification`, verificationSchema);
      if (!found.agrees) process.exitCode = EXIT.different;
      if (options.json) answerJson(found);
      else if (found.agrees)
        answer(`run ${found.run}: all that is kept agrees with the answers of ${found.members} devices`);
      else {
        const rows = found.differences.map(({ what, kept, recomputed }) => [what, kept, recomputed].map(printable));
        answer(table([['WHAT', 'KEPT', 'RECOMPUTED'], ...rows]));
      }
    });
}

function summaryText(summary: Readonly<Record<string, number>>): string {
  return Object.entries(summary)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function rowText({ deviceId, difference, here, there }: z.infer<typeof rowSchema>, run: string, other: string): string {
  return `${printable(deviceId)}  ${difference}\n  ${run}: ${sideText(here)}\n  ${other}: ${sideText(there)}`;
}

function sideText(side: ResultShape | null): string {
  return side ? `${side.outcome}  ${answersOf(side.deResult, true)}`.trimEnd() : 'not there';
}
