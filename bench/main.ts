import { DmError } from '../src/protocol/errors.ts';
import { codec } from './codec.ts';
import { fanout } from './fanout.ts';
import { parseOptions, usage, USAGE, type BenchOptions } from './options.ts';
import { type BenchReport, tableOf } from './report.ts';
import { restart } from './restart.ts';
import { results } from './results.ts';
import { session } from './session.ts';
import { stuck } from './stuck.ts';

/** By name, in the order in which all of them run. */
const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<BenchReport>>> = {
  codec,
  session,
  fanout,
  results,
  restart,
  stuck,
};

async function run(args: readonly string[]): Promise<void> {
  const { name, options } = parseOptions(args);
  const [chosen] = name === undefined ? [BENCHMARKS] : [{ [name]: BENCHMARKS[name] }];
  const documents: Record<string, unknown> = {};
  for (const [each, benchmark] of Object.entries(chosen)) {
    if (benchmark === undefined) {
      throw usage(`there is no benchmark ${each}; there are ${Object.keys(BENCHMARKS).join(', ')}`);
    }
    const report = await benchmark(options);
    documents[each] = report.document;
    if (!options.json) process.stdout.write(`${tableOf(report)}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(name === undefined ? documents : documents[name])}\n`);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof DmError && error.code === 'BENCH_USAGE';
  const said = error instanceof DmError ? `${error.code}: ${error.message}` : String(error);
  process.stderr.write(`bench: ${said}\n${isUsage ? USAGE : ''}`);
  process.exitCode = isUsage ? 2 : 1;
}
