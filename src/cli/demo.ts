import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { BUILT_IN_COMMANDS } from '../app/demo/built-in-commands.ts';
import type { DemoDocument, DemoStep } from '../app/demo/document.ts';
import { UsageError } from '../app/failure.ts';
import { assignFaults, FAULT_KINDS, parseFaults } from '../device/faults.ts';
import { answersOf } from './de-result-line.ts';
import { EXIT } from './exit-code.ts';
import { answer, answerJson, say, table } from './output.ts';

/** Devices that are shown one by one; of more only the first. */
const MAX_WHOLE = 40;
const FIRST = 20;
const MAX_CLUSTERS = 10;

interface DemoCommandOptions {
  readonly devices: string;
  readonly encoding: string;
  readonly auth: string;
  readonly commands?: string;
  readonly faults?: string;
  readonly lacks?: string;
  readonly seed: string;
  readonly deviceDeadline: string;
  readonly store?: string;
  readonly trace?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

/** Aborted by the first Ctrl-C, or SIGTERM. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** `dmgw demo`: DM Server, gateway and devices on this machine, all seven steps, the aggregated results. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('run the whole workflow on this machine: DM Server, gateway and devices as separate processes')
    .option('--devices <n>', 'how many', '25')
    .addOption(new Option('--encoding <encoding>').choices(['xml', 'wbxml', 'mixed']).default('mixed'))
    .addOption(new Option('--auth <scheme>').choices(['basic', 'md5', 'mac', 'mixed']).default('md5'))
    .option('--commands <file>', 'SyncML commands to fan out, instead of the built-in ones')
    .option('--faults <spec>', `what devices do wrong, kind=percent,... of ${FAULT_KINDS.join(', ')}`)
    .option('--lacks <percent>', 'share of the devices that lack the nodes the commands ask for')
    .option('--seed <n>', 'same seed, same faults on the same devices', '1')
    .option('--device-deadline <s>', 'seconds a device has to answer', '10')
    .option('--store <url>', 'store of the gateway, sqlite:PATH')
    .option('--trace <dir>', 'write every body and notification there')
    .option('--keep', 'keep configurations and stores')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', '\nExample:\n  dmgw demo --devices 200 --faults silent=5,drop=5,badauth=2,error=5 --seed 7')
    .action(async (options: DemoCommandOptions) => {
      // Loaded when it is run, as a role is.
      const { runDemo } = await import('../app/demo/demo.ts');
      const document = await runDemo(
        {
          devices: wholeNumber('--devices', options.devices, 1, 100_000),
          encoding: options.encoding,
          auth: options.auth,
          commands: options.commands === undefined ? BUILT_IN_COMMANDS : await readCommands(options.commands),
          faults: checkedFaults(options),
          lacks: options.lacks === undefined ? undefined : String(wholeNumber('--lacks', options.lacks, 1, 100)),
          seed: wholeNumber('--seed', options.seed, 0, 0xffffffff),
          deviceDeadlineS: wholeNumber('--device-deadline', options.deviceDeadline, 1, 2_592_000),
          storeUrl: checkedStore(options.store),
          traceDir: options.trace,
          keep: options.keep ?? false,
        },
        {
          step: (step) => (options.json ? say(stepLine(step)) : answer(stepLine(step))),
          note: say,
        },
        interruption(),
      );
      if (options.json) answerJson(document);
      else answer(demoReport(document));
      process.exitCode = exitCodeOf(document);
    });
}

/** Wrong faults are said before anything is started. */
function checkedFaults({ faults, devices, seed }: DemoCommandOptions): string | undefined {
  if (faults !== undefined) assignFaults(Number(seed), Number(devices), parseFaults(faults));
  return faults;
}

function checkedStore(url: string | undefined): string | undefined {
  if (url === undefined || /^sqlite:./.test(url)) return url;
  // The rest of the URL may hold a password.
  const [, scheme = 'none'] = /^([a-z][a-z0-9+.-]*):/i.exec(url) ?? [];
  throw new UsageError(`--store: only sqlite:PATH is available in this version; the scheme is ${scheme}`);
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${flag} is ${text}; allowed is a whole number from ${min} to ${max}`);
}

async function readCommands(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`--commands: ${file} cannot be read`);
  }
}

function stepLine({ step, at, what }: DemoStep): string {
  return `step ${step}  ${at.slice(11, 23)}  ${what}`;
}

/** What a person reads at the end of a demo. */
export function demoReport({ run, alert, results, error, elapsedMs }: DemoDocument): string {
  if (!run) return `refused: ${error?.message ?? 'no run'}`;
  const { targets, ...outcomes } = run.counts;
  const counts = Object.entries(outcomes).filter(([, count]) => count > 0);
  const shown = results.length > MAX_WHOLE ? results.slice(0, FIRST) : results;
  const rows = shown.map(({ deviceId, outcome, deResult }) => [deviceId, outcome, answersOf(deResult, true)]);
  return [
    '',
    `Aggregated results at ${run.resultsUrl}`,
    table([['DeviceID', 'Outcome', 'Answers'], ...rows]),
    ...(shown.length < results.length ? ['', describeRest(results.slice(shown.length))] : []),
    '',
    `alert ${alert?.data ?? '-'} (${alert?.mark ?? '-'}), correlator ${alert?.correlator ?? '-'}`,
    `${targets} devices: ${counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ')} in ${elapsedMs} ms`,
  ].join('\n');
}

/** Devices that ended alike and answered with the same codes share a line. */
function describeRest(results: DemoDocument['results']): string {
  const clusters = new Map<string, { readonly row: readonly [string, string]; count: number }>();
  for (const { outcome, deResult } of results) {
    const row = [outcome, answersOf(deResult, false)] as const;
    const key = row.join(' ');
    const cluster = clusters.get(key) ?? { row, count: 0 };
    cluster.count += 1;
    clusters.set(key, cluster);
  }
  const largestFirst = [...clusters.values()].sort((left, right) => right.count - left.count);
  const rows = largestFirst.slice(0, MAX_CLUSTERS).map(({ row, count }) => [`  ${count} more`, ...row]);
  const left = largestFirst.slice(MAX_CLUSTERS).reduce((sum, { count }) => sum + count, 0);
  if (left > 0) rows.push([`  ${left} more`, 'that ended in other ways']);
  return `${table(rows)}\n  --json has every answer in full`;
}

function exitCodeOf({ run }: DemoDocument): number {
  if (!run || run.counts.succeeded === 0) return EXIT.refused;
  return run.counts.succeeded === run.counts.targets ? EXIT.ok : EXIT.someFailed;
}
