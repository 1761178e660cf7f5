import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { RefusedError, UsageError } from '../app/failure.ts';
import { answer, answerJson, table } from './output.ts';

const jobSchema = z.looseObject({
  id: z.int(),
  state: z.string(),
  error: z.object({ code: z.string(), message: z.string() }).nullish(),
});
const POLL_MS = 200;

/** `dmgw group …`: device groups. */
export function groupCommand(): Command {
  const group = new Command('group').description('device groups of a gateway');
  group.addCommand(createCommand());
  group.addCommand(
    withApi(new Command('list'))
      .description('names of the groups')
      .option('--json', 'answer JSON')
      .addHelpText('after', '\nExample:\n  dmgw group list --gateway http://127.0.0.1:8083')
      .action(async (options: ApiOptions & { json?: boolean }) => {
        const { groups } = await gatewayOnly(options).get(
          '/api/v1/groups?limit=1000',
          z.object({ groups: z.array(z.string()) }),
        );
        if (options.json) answerJson(groups);
        else answer(groups.join('\n'));
      }),
  );
  group.addCommand(
    withApi(new Command('show'))
      .description('a group and its first members')
      .argument('<group>')
      .option('--json', 'answer JSON')
      .addHelpText('after', '\nExample:\n  dmgw group show meters --gateway http://127.0.0.1:8083')
      .action(async (name: string, options: ApiOptions & { json?: boolean }) => {
        const found = await gatewayOnly(options).get(
          `/api/v1/groups/${encodeURIComponent(name)}?limit=1000`,
          z.object({
            group: z.string(),
            memberCount: z.int(),
            members: z.array(z.object({ name: z.string(), deviceId: z.string().nullable() })),
          }),
        );
        if (options.json) {
          answerJson(found);
          return;
        }
        answer(table([['MEMBER', 'DEVICE'], ...found.members.map((member) => [member.name, member.deviceId ?? '-'])]));
      }),
  );
  return group;
}

function createCommand(): Command {
  return withApi(new Command('create'))
    .description('make a group; through the DM Server it is made by DM sessions')
    .argument('<group>', 'its name')
    .requiredOption('--members <file>', 'DeviceIDs, one a line')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw group create meters --members ids.txt --server http://127.0.0.1:8081')
    .action(async (name: string, options: ApiOptions & { members: string; json?: boolean }) => {
      const members = await readMembers(options.members);
      const api = chosenApi(options);
      if (options.gateway !== undefined) {
        const made = await api.post('/api/v1/groups', { group: name, members }, z.looseObject({ members: z.int() }));
        if (options.json) answerJson(made);
        else answer(`group ${name} created with ${made.members} members`);
        return;
      }
      let job = await api.post('/api/v1/groups', { group: name, members, gatewayId: options.gatewayId }, jobSchema);
      while (job.state !== 'complete' && job.state !== 'failed') {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        job = await api.get(`/api/v1/jobs/${job.id}`, jobSchema);
      }
      if (job.error) throw new RefusedError(job.error.code, job.error.message);
      if (options.json) answerJson(job);
      else answer(`group ${name} created with ${members.length} members`);
    });
}

function gatewayOnly(options: ApiOptions) {
  if (options.gateway === undefined) throw new UsageError('say --gateway URL: groups are kept by the gateway');
  return chosenApi(options);
}

async function readMembers(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`--members: ${file} cannot be read`);
  }
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
