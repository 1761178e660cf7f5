import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { BUILT_IN_COMMANDS } from '../app/demo/built-in-commands.ts';
import type { DemoDocument, DemoStep } from '../app/demo/document.ts';
import { runDemo } from '../app/demo/demo.ts';
import { UsageError } from '../app/failure.ts';
import { parseFaults } from '../device/faults.ts';
import { EXIT } from './exit-code.ts';
import { answer, answerJson, say, table } from './output.ts';

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

/** `dmgw demo`: DM Server, gateway and devices on this machine, all seven steps, the aggregated results. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('run the whole workflow on this machine: DM Server, gateway and devices as separate processes')
    .option('--devices <n>', 'how many', '25')
    .addOption(new Option('--encoding <encoding>').choices(['xml', 'wbxml', 'mixed']).default('mixed'))
    .option('--auth <scheme>', 'basic, md5 or mixed', 'md5')
    .option('--commands <file>', 'SyncML commands to fan out, instead of the built-in ones')
    .option('--faults <spec>', 'what devices do wrong, kind=percent: silent=5,drop=5,badauth=2,error=5')
    .option('--lacks <percent>', 'share of the devices that lack the nodes the commands ask for')
    .option('--seed <n>', 'same seed, same faults on the same devices', '1')
    .option('--device-deadline <s>', 'seconds a device has to answer', '10')
    .option('--store <url>', 'store of the gateway, sqlite:PATH')
    .option('--trace <dir>', 'write every body and notification there')
    .option('--keep', 'keep configurations and stores')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', '\nExample:\n  dmgw demo --devices 200 --faults silent=5,drop=5,badauth=2,error=5 --seed 7')
    .action(async (options: DemoCommandOptions) => {
      const document = await runDemo(
        {
          devices: wholeNumber('--devices', options.devices, 1, 100_000),
          encoding: options.encoding,
          auth: authOf(options.auth),
          commands: options.commands === undefined ? BUILT_IN_COMMANDS : await readCommands(options.commands),
          faults: checkedFaults(options.faults),
          lacks: options.lacks === undefined ? undefined : String(wholeNumber('--lacks', options.lacks, 0, 100)),
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
      );
      if (options.json) answerJson(document);
      else answer(describe(document));
      process.exitCode = exitCodeOf(document);
    });
}

function authOf(text: string): string {
  if (['basic', 'md5', 'mixed'].includes(text)) return text;
  if (text === 'mac') throw new UsageError('--auth mac is not available in this version');
  throw new UsageError(`--auth is ${text}; allowed are basic, md5 and mixed`);
}

/** Wrong faults are said before anything is started. */
function checkedFaults(spec: string | undefined): string | undefined {
  if (spec !== undefined) parseFaults(spec);
  return spec;
}

function checkedStore(url: string | undefined): string | undefined {
  if (url === undefined || url.startsWith('sqlite:')) return url;
  throw new UsageError(`--store ${url}: only sqlite:PATH is available in this version`);
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

function describe({ run, alert, results, error, elapsedMs }: DemoDocument): string {
  if (!run) return `refused: ${error?.message ?? 'no run'}`;
  const rows = results.map(({ deviceId, outcome, deResult }) => [deviceId, outcome, deResult ?? '-']);
  const { targets, ...outcomes } = run.counts;
  const counts = Object.entries(outcomes).filter(([, count]) => count > 0);
  return [
    '',
    `Aggregated results at ${run.resultsUrl}`,
    table([['DeviceID', 'Outcome', 'DeResult'], ...rows]),
    '',
    `alert ${alert?.data ?? '-'} (${alert?.mark ?? '-'}), correlator ${alert?.correlator ?? '-'}`,
    `${targets} devices: ${counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ')} in ${elapsedMs} ms`,
  ].join('\n');
}

function exitCodeOf({ run }: DemoDocument): number {
  if (!run || run.counts.succeeded === 0) return EXIT.refused;
  return run.counts.succeeded === run.counts.targets ? EXIT.ok : EXIT.someFailed;
}
