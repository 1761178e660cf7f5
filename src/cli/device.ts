import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { z } from 'zod';
import { apiClient } from '../app/api-client.ts';
import { UsageError } from '../app/failure.ts';
import { bootstrapCommand, removeCommand, rotateCommand } from './device-enrolment.ts';
import { answer, answerJson, table } from './output.ts';

const deviceSchema = z.looseObject({
  deviceId: z.string(),
  scheme: z.string(),
  notify: z.string().nullable(),
  mod: z.string().nullable(),
  lastSeenAt: z.string().nullable(),
});
const addedSchema = z.object({ added: z.int() });
const CHUNK_LINES = 1000;

interface GatewayOption {
  readonly gateway: string;
  readonly json?: boolean;
}

/** `dmgw device …`: accounts of the devices behind a gateway. */
export function deviceCommand(): Command {
  const device = new Command('device').description('devices behind a gateway and their accounts');
  device.addCommand(addCommand());
  device.addCommand(importCommand());
  device.addCommand(listCommand());
  device.addCommand(showCommand());
  device.addCommand(bootstrapCommand());
  device.addCommand(rotateCommand());
  device.addCommand(removeCommand());
  return device;
}

function onGateway(name: string): Command {
  return new Command(name).requiredOption('--gateway <url>', 'API of the gateway').option('--json', 'answer JSON');
}

function addCommand(): Command {
  return onGateway('add')
    .description('add one device; its secrets come from files, never from the command line')
    .argument('<deviceId>', 'DevInfo/DevId')
    .requiredOption('--user-name <name>', 'user name of the device')
    .requiredOption('--secret-file <file>', 'file with the secret of the device')
    .requiredOption('--server-id <id>', 'ServerID the gateway uses towards it')
    .requiredOption('--server-secret-file <file>', 'file with the secret of the gateway towards it')
    .option('--scheme <scheme>', 'basic, md5 or none', 'md5')
    .option('--server-scheme <scheme>', 'basic, md5 or none', 'md5')
    .option('--notify <url>', 'udp://HOST:PORT or http(s)://…; without it the device polls')
    .addHelpText(
      'after',
      '\nExample:\n  dmgw device add urn:dev:m1 --user-name m1 --secret-file m1.key --server-id gw --server-secret-file gw.key \\\n    --notify udp://10.0.0.7:2948 --gateway http://127.0.0.1:8083',
    )
    .action(async (deviceId: string, options: GatewayOption & Readonly<Record<string, string>>) => {
      const line = {
        deviceId,
        userName: options['userName'],
        secret: await readSecret(options['secretFile']),
        scheme: options['scheme'],
        serverId: options['serverId'],
        serverSecret: await readSecret(options['serverSecretFile']),
        serverScheme: options['serverScheme'],
        notify: options['notify'],
      };
      const added = await apiClient(options.gateway).postNdjson('/api/v1/devices', JSON.stringify(line), addedSchema);
      if (options.json) answerJson(added);
      else answer(`device ${deviceId} added`);
    });
}

function importCommand(): Command {
  return onGateway('import')
    .description('add the devices of an accounts file (JSON lines)')
    .argument('<file>', 'the accounts file, or - for standard input')
    .addHelpText('after', '\nExample:\n  dmgw device import accounts.jsonl --gateway http://127.0.0.1:8083')
    .action(async (file: string, options: GatewayOption) => {
      const lines = (await readLines(file)).split('\n').filter((line) => line.trim() !== '');
      const api = apiClient(options.gateway);
      let added = 0;
      for (let start = 0; start < lines.length; start += CHUNK_LINES) {
        const chunk = lines.slice(start, start + CHUNK_LINES).join('\n');
        added += (await api.postNdjson('/api/v1/devices', chunk, addedSchema)).added;
      }
      if (options.json) answerJson({ added });
      else answer(`${added} devices added`);
    });
}

function listCommand(): Command {
  return onGateway('list')
    .description('devices in the order in which they were added')
    .option('--query <text>', 'only DeviceIDs that hold this text')
    .option('--limit <n>', 'how many', '100')
    .option('--after <cursor>', 'where the page before ended')
    .addHelpText('after', '\nExample:\n  dmgw device list --query urn:dev:m --gateway http://127.0.0.1:8083')
    .action(async (options: GatewayOption & { query?: string; limit: string; after?: string }) => {
      const query = new URLSearchParams({ limit: options.limit });
      if (options.query !== undefined) query.set('q', options.query);
      if (options.after !== undefined) query.set('after', options.after);
      const page = await apiClient(options.gateway).get(
        `/api/v1/devices?${query.toString()}`,
        z.object({ devices: z.array(deviceSchema), next: z.string().nullable() }),
      );
      if (options.json) {
        answerJson(page);
        return;
      }
      const rows = page.devices.map((row) => [
        row.deviceId,
        row.scheme,
        row.notify ?? 'polls',
        row.mod ?? '-',
        row.lastSeenAt ?? 'never',
      ]);
      answer(table([['DEVICE', 'AUTH', 'NOTIFY', 'MODEL', 'LAST SEEN'], ...rows]));
    });
}

function showCommand(): Command {
  return onGateway('show')
    .description('one device')
    .argument('<deviceId>')
    .addHelpText('after', '\nExample:\n  dmgw device show urn:dev:m1 --gateway http://127.0.0.1:8083')
    .action(async (deviceId: string, options: GatewayOption) => {
      const found = await apiClient(options.gateway).get(
        `/api/v1/devices/${encodeURIComponent(deviceId)}`,
        deviceSchema,
      );
      if (options.json) {
        answerJson(found);
        return;
      }
      answer(table(Object.entries(found).map(([key, value]) => [key, shown(value)])));
    });
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
}

async function readSecret(file: string | undefined): Promise<string> {
  if (file === undefined) throw new UsageError('a secret file is missing');
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch {
    throw new UsageError(`${file} cannot be read`);
  }
}

async function readLines(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`${file} cannot be read`);
  }
}
