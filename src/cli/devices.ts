import { fstatSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { DevicesOptions, FleetCounts, RunningDevices } from '../app/devices-role.ts';
import { FAULT_KINDS } from '../device/faults.ts';
import { answer, say } from './output.ts';

const PROGRESS_MS = 200;

interface CommandOptions extends DevicesOptions {
  readonly writeAccountsOnly?: boolean;
  readonly json?: boolean;
}

/** `dmgw devices`: a fleet of simulated devices. */
export function devicesCommand(): Command {
  return new Command('devices')
    .description('run simulated devices against a gateway, until SIGINT, SIGTERM or the end of a piped standard input')
    .requiredOption('--dm-url <url>', 'where the devices post their DM messages')
    .option('--count <n>', 'how many devices; with --accounts: at most so many', wholeNumber(1, 1_000_000))
    .option('--accounts <file>', 'accounts of the devices (JSON lines); without it they are made from the seed')
    .addOption(new Option('--encoding <encoding>').choices(['xml', 'wbxml', 'mixed']).default('mixed'))
    .addOption(
      new Option('--auth <scheme>', 'of accounts made from the seed').choices(['basic', 'md5', 'mac', 'mixed']),
    )
    .option('--server-id <id>', 'ServerID of the gateway, for accounts made from the seed', 'gateway')
    .option('--faults <spec>', `kind=percent,... of ${FAULT_KINDS.join(', ')}`)
    .option('--lacks <percent>', 'share of the devices that do not have the nodes of --lacks-nodes')
    .option('--lacks-nodes <uris>', 'LocURIs with commas between', './DevInfo/Mod,./Vendor/Demo')
    .option('--seed <n>', 'equal seeds make equal fleets', wholeNumber(0, 0xffffffff), 1)
    .option(
      '--listen <url...>',
      'udp://HOST:PORT for notifications, port 0 takes a free one; several share the devices',
    )
    .option('--no-listen', 'the devices are not notified and poll')
    .option('--poll <seconds>', 'how often devices that are not notified open a session', wholeNumber(0, 86_400), 60)
    .addOption(new Option('--connections <kind>').choices(['shared', 'per-session']).default('shared'))
    .addOption(
      new Option('--client <kind>', 'raw: light devices that answer from templates and execute nothing')
        .choices(['raw', 'undici'])
        .default('undici'),
    )
    .option('--max-sessions <n>', 'sessions at the same time', wholeNumber(1, 100_000), 512)
    .option('--write-accounts <file>', 'write the accounts, as `dmgw device import` reads them, before any event')
    .option('--write-accounts-only', 'end after that')
    .option('--trace <dir>', 'write every body and notification')
    .option('--exec-log <dir>', 'append each Exec that a device executes, synced, to a file of that device')
    .option('--json', 'events as JSON lines on stdout')
    .addHelpText(
      'after',
      `
Example:
  dmgw devices --dm-url http://127.0.0.1:8082/dm --count 25 --write-accounts accounts.jsonl
  dmgw device import accounts.jsonl --gateway http://127.0.0.1:8083`,
    )
    .action(run);
}

type FleetEvent =
  { readonly event: 'listening'; readonly udp: string } | ({ readonly event: 'progress' | 'ended' } & Counts);

/** Counts with the times as people write them. */
type Counts = Omit<FleetCounts, 'firstExecutedAt' | 'lastExecutedAt'> & {
  readonly firstExecutedAt: string | null;
  readonly lastExecutedAt: string | null;
};

async function run(options: CommandOptions): Promise<void> {
  // Loaded when it is run, as a role is.
  const { openDevices } = await import('../app/devices-role.ts');
  const devices = await openDevices(options, say);
  if (options.writeAccountsOnly) return devices.close();
  const report = options.json ? reportJson : reportText;
  for (const udp of devices.addresses) report({ event: 'listening', udp });
  const stopProgress = reportProgress(devices, report);
  await stopRequested();
  stopProgress();
  await devices.close();
  report({ event: 'ended', ...counts(devices) });
}

function reportJson(event: FleetEvent): void {
  answer(JSON.stringify(event));
}

function reportText(event: FleetEvent): void {
  if (event.event === 'listening') {
    say(`listening on ${event.udp}`);
    return;
  }
  say(
    `${event.event}: ${event.devicesNotified} of ${event.devices} devices notified, ${event.devicesExecuted} executed ` +
      `${event.commandsExecuted} commands; ${event.answered} of ${event.sessions} sessions answered`,
  );
}

/** Reports the counts when they have changed, now and then, until the answered function is called. */
function reportProgress(devices: RunningDevices, report: (event: FleetEvent) => void): () => void {
  let last = JSON.stringify(counts(devices));
  const timer = setInterval(() => {
    const now = counts(devices);
    const text = JSON.stringify(now);
    if (text !== last) report({ event: 'progress', ...now });
    last = text;
  }, PROGRESS_MS);
  return () => clearInterval(timer);
}

function counts(devices: RunningDevices): Counts {
  const { firstExecutedAt, lastExecutedAt, ...rest } = devices.counts();
  const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
  return { ...rest, firstExecutedAt: iso(firstExecutedAt), lastExecutedAt: iso(lastExecutedAt) };
}

/** Standard input counts only as a pipe: started in the background it may be at its end from the beginning. */
function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.stdin.destroy();
      resolve();
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const input = fstatSync(0);
    if (input.isFIFO() || input.isSocket()) process.stdin.once('end', stop).once('close', stop).resume();
  });
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Allowed is a whole number from ${min} to ${max}.`);
  };
}
