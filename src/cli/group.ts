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
const memberSchema = z.object({ name: z.string(), deviceId: z.string().nullable(), groupRef: z.string().nullable() });
const groupSchema = z.object({
  group: z.string(),
  filter: z.string().nullable(),
  memberCount: z.int(),
  members: z.array(memberSchema),
});
const resolvedSchema = z.object({
  group: z.string(),
  resolvedCount: z.int(),
  members: z.array(z.object({ n: z.int(), deviceId: z.string(), account: z.string() })),
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
  group.addCommand(showCommand());
  const member = new Command('member').description('members of a group');
  member.addCommand(addMemberCommand());
  member.addCommand(removeMemberCommand());
  group.addCommand(member);
  group.addCommand(filterCommand());
  group.addCommand(removeCommand());
  return group;
}

function showCommand(): Command {
  return withApi(new Command('show'))
    .description('a group and its first members, or with --resolved the first devices it comes down to')
    .argument('<group>')
    .option('--resolved', 'the devices, with those of its groups and of its filter, in the order of a run’s members')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw group show meters --resolved --gateway http://127.0.0.1:8083')
    .action(async (name: string, options: ApiOptions & { resolved?: boolean; json?: boolean }) => {
      const api = gatewayOnly(options);
      const path = pathOf(name);
      if (options.resolved) {
        const found = await api.get(`${path}/resolved?limit=1000`, resolvedSchema);
        if (options.json) answerJson(found);
        else answer(table([['N', 'DEVICE', 'ACCOUNT'], ...found.members.map(resolvedRow)]));
        return;
      }
      const found = await api.get(`${path}?limit=1000`, groupSchema);
      if (options.json) {
        answerJson(found);
        return;
      }
      if (found.filter !== null) answer(`filter: ${found.filter}`);
      answer(table([['MEMBER', 'DEVICE', 'GROUP'], ...found.members.map(memberRow)]));
    });
}

function addMemberCommand(): Command {
  return withApi(new Command('add'))
    .description('add a device or a whole group to a group')
    .argument('<group>')
    .option('--device <id>', 'DeviceID')
    .option('--group-ref <group>', 'name of the group whose members are to be members')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw group member add all --group-ref meters --gateway http://127.0.0.1:8083')
    .action(async (name: string, options: ApiOptions & { device?: string; groupRef?: string; json?: boolean }) => {
      const { device, groupRef } = options;
      if ((device === undefined) === (groupRef === undefined)) {
        throw new UsageError('say either --device ID or --group-ref GROUP');
      }
      const added = await gatewayOnly(options).post(
        `${pathOf(name)}/members`,
        device === undefined ? { groupRef } : { deviceId: device },
        memberSchema,
      );
      if (options.json) answerJson(added);
      else answer(`member ${added.name} added to group ${name}`);
    });
}

function removeMemberCommand(): Command {
  return withApi(new Command('remove'))
    .description('take a member out of a group')
    .argument('<group>')
    .argument('<name>', 'of the member, as `group show` lists it')
    .addHelpText('after', '\nExample:\n  dmgw group member remove meters 3 --gateway http://127.0.0.1:8083')
    .action(async (group: string, name: string, options: ApiOptions) => {
      await gatewayOnly(options).remove(`${pathOf(group)}/members/${encodeURIComponent(name)}`);
      answer(`member ${name} removed from group ${group}`);
    });
}

function removeCommand(): Command {
  return withApi(new Command('remove'))
    .description('remove a group; runs that were started keep their members')
    .argument('<group>')
    .addHelpText('after', '\nExample:\n  dmgw group remove meters --gateway http://127.0.0.1:8083')
    .action(async (group: string, options: ApiOptions) => {
      await gatewayOnly(options).remove(pathOf(group));
      answer(`group ${group} removed`);
    });
}

function filterCommand(): Command {
  return withApi(new Command('filter'))
    .description('set the filter of a group, which chooses devices by their inventory when a run starts')
    .argument('<group>')
    .argument('[filter]', 'the new filter')
    .option('--none', 'take the filter away')
    .addHelpText(
      'after',
      `\nExample:\n  dmgw group filter old 'Man = "Acme" and FwV ~ "1.*"' --gateway http://127.0.0.1:8083`,
    )
    .action(async (group: string, filter: string | undefined, options: ApiOptions & { none?: boolean }) => {
      if ((filter === undefined) === (options.none === undefined))
        throw new UsageError('say either a filter or --none');
      const body = { filter: filter ?? null };
      await gatewayOnly(options).put(`${pathOf(group)}/filter`, body, z.looseObject({ group: z.string() }));
      answer(filter === undefined ? `group ${group} has no filter` : `filter of group ${group} set`);
    });
}

function pathOf(group: string): string {
  return `/api/v1/groups/${encodeURIComponent(group)}`;
}

interface CreateOptions extends ApiOptions {
  readonly members?: string;
  readonly groupRef?: readonly string[];
  readonly filter?: string;
  readonly json?: boolean;
}

function createCommand(): Command {
  return withApi(new Command('create'))
    .description('make a group; through the DM Server it is made by DM sessions')
    .argument('<group>', 'its name')
    .option('--members <file>', 'DeviceIDs, one a line')
    .option('--group-ref <group...>', 'groups whose members are to be members')
    .option('--filter <text>', 'chooses devices by their inventory when a run starts')
    .option('--json', 'answer JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  dmgw group create meters --members ids.txt --server http://127.0.0.1:8081' +
        `\n  dmgw group create old --filter 'Man = "Acme" and FwV ~ "1.*"' --server http://127.0.0.1:8081`,
    )
    .action(async (name: string, options: CreateOptions) => {
      const { groupRef = [], filter } = options;
      if (options.members === undefined && groupRef.length === 0 && filter === undefined) {
        throw new UsageError('say who is in the group: --members FILE, --group-ref GROUP or --filter TEXT');
      }
      const members = options.members === undefined ? [] : await readMembers(options.members);
      const api = chosenApi(options);
      const ordered = { group: name, members, groupRefs: groupRef, ...(filter === undefined ? {} : { filter }) };
      if (options.gateway !== undefined) {
        const made = await api.post('/api/v1/groups', ordered, z.looseObject({ members: z.int() }));
        if (options.json) answerJson(made);
        else answer(`group ${name} created with ${made.members} members`);
        return;
      }
      let job = await api.post('/api/v1/groups', { ...ordered, gatewayId: options.gatewayId }, jobSchema);
      while (job.state !== 'complete' && job.state !== 'failed') {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        job = await api.get(`/api/v1/jobs/${job.id}`, jobSchema);
      }
      if (job.error) throw new RefusedError(job.error.code, job.error.message);
      if (options.json) answerJson(job);
      else answer(`group ${name} created with ${members.length + groupRef.length} members`);
    });
}

function memberRow({ name, deviceId, groupRef }: z.infer<typeof memberSchema>): string[] {
  return [name, deviceId ?? '-', groupRef ?? '-'];
}

function resolvedRow({ n, deviceId, account }: z.infer<typeof resolvedSchema>['members'][number]): string[] {
  return [String(n), deviceId, account];
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
