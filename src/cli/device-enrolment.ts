import { Command, Option } from 'commander';
import { z } from 'zod';
import { apiClient } from '../app/api-client.ts';
import { UsageError } from '../app/failure.ts';
import { answer, answerJson, say } from './output.ts';

const enrolledSchema = z.object({
  deviceId: z.string(),
  gatewayUrl: z.string(),
  graceUntil: z.string().nullable(),
  dmAcc: z.string(),
  w7: z.string(),
});
const removedSchema = z.object({ deviceId: z.string(), purged: z.boolean(), unreachable: z.int() });

interface RotateOptions {
  readonly gateway: string;
  readonly json?: boolean;
  readonly grace?: number;
  readonly gatewayUrl?: string;
}

/** What an account is made with; only together with `--create`. */
const ACCOUNT_OPTIONS = {
  userName: new Option('--user-name <name>', 'user name of the device; default: the DeviceID with - for :'),
  scheme: new Option('--scheme <scheme>', 'basic, md5, mac or none; default md5'),
  serverId: new Option('--server-id <id>', 'ServerID of the gateway towards it; default: the id of the gateway'),
  serverScheme: new Option('--server-scheme <scheme>', 'basic, md5, mac or none; default md5'),
  notify: new Option('--notify <url>', 'udp://HOST:PORT or http(s)://…; without it the device polls'),
  maxMsgBytes: new Option('--max-msg-bytes <n>', 'largest message it takes').argParser(wholeNumber),
  maxObjBytes: new Option('--max-obj-bytes <n>', 'largest object it takes').argParser(wholeNumber),
} as const;

interface BootstrapOptions extends RotateOptions, Partial<Record<keyof typeof ACCOUNT_OPTIONS, string | number>> {
  readonly create?: boolean;
  readonly move?: boolean;
}

function withRotation(name: string): Command {
  return new Command(name)
    .argument('<deviceId>')
    .requiredOption('--gateway <url>', 'API of the gateway')
    .option('--grace <seconds>', 'how long the secrets before stay good; default 86400', wholeNumber)
    .option('--gateway-url <url>', 'what the device is to post to; default southbound.publicUrl of the gateway')
    .option('--json', 'answer JSON');
}

export function bootstrapCommand(): Command {
  const command = withRotation('bootstrap')
    .description('new secrets for a device; its settings are shown this once, as DMAcc (TNDS) and as w7 profile')
    .option('--create', 'make the account')
    .option('--move', 'the DeviceID goes to new hardware: no grace, fresh nonces, no inventory');
  for (const option of Object.values(ACCOUNT_OPTIONS)) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  dmgw device bootstrap urn:dev:m1 --create --notify udp://10.0.0.7:2948 --gateway http://127.0.0.1:8083',
    )
    .action(async (deviceId: string, options: BootstrapOptions) => {
      const account = Object.fromEntries(Object.keys(ACCOUNT_OPTIONS).map((key) => [key, valueOf(options, key)]));
      const isAccountGiven = Object.values(account).some((value) => value !== undefined);
      if (isAccountGiven && !options.create) throw new UsageError('what the account is made with needs --create');
      await enrol(deviceId, 'bootstrap', options, { create: options.create ? account : undefined, move: options.move });
    });
}

export function rotateCommand(): Command {
  return withRotation('rotate')
    .description('rotate the secrets of a device; those before stay good for a time')
    .addHelpText('after', '\nExample:\n  dmgw device rotate urn:dev:m1 --grace 604800 --gateway http://127.0.0.1:8083')
    .action((deviceId: string, options: RotateOptions) => enrol(deviceId, 'rotate', options, {}));
}

export function removeCommand(): Command {
  return new Command('remove')
    .description('decommission a device: it is unreachable in the runs that hold it')
    .argument('<deviceId>')
    .requiredOption('--gateway <url>', 'API of the gateway')
    .option('--purge', 'forget the account altogether')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw device remove urn:dev:m1 --gateway http://127.0.0.1:8083')
    .action(async (deviceId: string, options: { gateway: string; purge?: boolean; json?: boolean }) => {
      const query = options.purge ? '?purge=true' : '';
      const removed = await apiClient(options.gateway).delete(`${pathOf(deviceId)}${query}`, removedSchema);
      if (options.json) answerJson(removed);
      else {
        const how = removed.purged ? 'removed' : 'decommissioned';
        answer(`device ${deviceId} ${how}; unreachable in ${removed.unreachable} runs`);
      }
    });
}

async function enrol(
  deviceId: string,
  how: 'bootstrap' | 'rotate',
  { gateway, grace, gatewayUrl, json }: RotateOptions,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  const body = { graceS: grace, gatewayUrl, ...more };
  const enrolled = await apiClient(gateway).post(`${pathOf(deviceId)}/${how}`, body, enrolledSchema);
  if (json) {
    answerJson(enrolled);
    return;
  }
  say('these secrets are shown this once');
  const former = enrolled.graceUntil === null ? '' : `; the secrets before are good until ${enrolled.graceUntil}`;
  answer(
    `device ${deviceId}, to post to ${enrolled.gatewayUrl}${former}\n\n` +
      `DMAcc (TNDS):\n${enrolled.dmAcc}\n\nw7 profile:\n${enrolled.w7}`,
  );
}

function pathOf(deviceId: string): string {
  return `/api/v1/devices/${encodeURIComponent(deviceId)}`;
}

function valueOf(options: object, key: string): unknown {
  return Reflect.get(options, key);
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`${text} is no whole number`);
}
