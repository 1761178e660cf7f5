import { Command, Option } from 'commander';
import { resultSchema, type ResultShape } from '../api/shapes.ts';
import { UsageError } from '../app/failure.ts';
import { OUTCOMES } from '../fanout/outcome.ts';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { answersOf } from './de-result-line.ts';
import { answer, printable } from './output.ts';
import { runNumber } from './run-view.ts';

const DEVICE_CHARS = 24;
const OUTCOME_CHARS = Math.max(...OUTCOMES.map(({ length }) => length));

interface ResultsOptions extends ApiOptions {
  readonly outcome?: string;
  readonly q?: string;
  readonly raw?: boolean;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** `dmgw fanout results`: what came of each device. */
export function resultsCommand(): Command {
  return withApi(new Command('results'))
    .description('outcome and answer of each device: what it said in short, or as it is with --raw, --csv or --json')
    .argument('<run>', 'number of the run')
    .addOption(new Option('--outcome <outcome>', 'only these').choices(OUTCOMES))
    .option('--q <text>', 'only devices with this text in their DeviceID')
    .option('--raw', 'DeviceID, outcome and the whole DeResult, with tabs between')
    .option('--csv', 'answer CSV')
    .option('--json', 'answer JSON lines')
    .addHelpText('after', '\nExample:\n  dmgw fanout results 2 --outcome failed --server http://127.0.0.1:8081')
    .action(async (run: string, options: ResultsOptions) => {
      if ([options.raw, options.csv, options.json].filter(Boolean).length > 1) {
        throw new UsageError('say one of --raw, --csv and --json');
      }
      const query = new URLSearchParams();
      if (options.outcome !== undefined) query.set('outcome', options.outcome);
      if (options.q !== undefined) query.set('q', options.q);
      const path = `/api/v1/runs/${runNumber(run)}/results?${query.toString()}`;
      const api = chosenApi(options);
      if (options.csv) {
        for await (const chunk of api.text(path, 'text/csv')) process.stdout.write(chunk);
        return;
      }
      for await (const row of api.rows(path, resultSchema)) answer(lineOf(row, options));
    });
}

function lineOf(row: ResultShape, { raw, json }: ResultsOptions): string {
  if (json) return JSON.stringify(row);
  if (raw) return `${row.deviceId}\t${row.outcome}\t${row.deResult ?? ''}`;
  const deviceId = printable(row.deviceId).padEnd(DEVICE_CHARS);
  return `${deviceId}  ${row.outcome.padEnd(OUTCOME_CHARS)}  ${answersOf(row.deResult, true)}`.trimEnd();
}
