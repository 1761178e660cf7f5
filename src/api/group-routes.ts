import { z } from 'zod';
import { MAX_FILTER_CHARS, parseGroupFilter } from '../fanout/group-filter.ts';
import { OneAtATime } from '../fanout/one-at-a-time.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { forgetGroupNode } from '../gateway/group-nodes.ts';
import { DmError } from '../protocol/errors.ts';
import { wireText } from '../store/wire-text.ts';
import type { GroupMember, ResolvedMember } from '../store/groups.ts';
import type { Api } from './listener.ts';
import { notFound } from './problem.ts';
import { groupInput, groupName, pageQuery } from './shapes.ts';

const groupParam = z.strictObject({ group: z.string() });
const memberParam = groupParam.extend({ name: z.string() });
const memberSchema = z.object({ name: z.string(), deviceId: z.string().nullable(), groupRef: z.string().nullable() });
const resolvedSchema = z.object({
  n: z.int(),
  deviceId: z.string(),
  account: z.enum(['known', 'none', 'decommissioned']),
});
/** A device, or all members of another group. */
const memberInput = z.union([z.strictObject({ deviceId: wireText(256) }), z.strictObject({ groupRef: groupName })]);
const resolvedQuery = pageQuery.extend({ after: z.coerce.number().int().min(0).default(0) });

/** The API of a gateway: its device groups. `now` is what ages in filters count from. */
export function addGroupRoutes(api: Api, gateway: Gateway, now: () => number): void {
  const { groups, nodes } = gateway.store;

  /** One after another: a name that is free is free until the member has it. */
  const additions = new OneAtATime();

  /** A number that no member has as its name. */
  async function freeName(group: string): Promise<string> {
    let number = (await groups.memberCount(group)) + 1;
    while (await groups.member(group, String(number))) number += 1;
    return String(number);
  }

  api.after(() => {
    api.post(
      '/api/v1/groups',
      {
        schema: {
          summary: 'Make a group of devices, of other groups, and of what a filter chooses',
          body: groupInput,
          response: { 201: z.object({ group: z.string(), members: z.int() }) },
        },
      },
      async ({ body: { group, members, groupRefs, filter } }, reply) => {
        if (filter !== undefined) parseGroupFilter(filter);
        const targets = [
          ...members.map((deviceId) => ({ deviceId })),
          ...groupRefs.map((groupRef) => ({ deviceId: undefined, groupRef })),
        ];
        const content = { filter, members: targets.map((to, index) => ({ name: String(index + 1), ...to })) };
        if (!(await groups.create(group, content))) {
          throw new DmError('GROUP_EXISTS', `group ${group} exists; choose another name`);
        }
        return reply.status(201).send({ group, members: await groups.memberCount(group) });
      },
    );

    api.get(
      '/api/v1/groups',
      {
        schema: {
          summary: 'Names of the groups',
          querystring: pageQuery,
          response: { 200: z.object({ groups: z.array(z.string()), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const names = await groups.names(query.after ?? '', query.limit);
        return { groups: [...names], next: names.length === query.limit ? (names.at(-1) ?? null) : null };
      },
    );

    api.get(
      '/api/v1/groups/:group',
      {
        schema: {
          summary: 'A group: its filter, and a page of its members',
          params: groupParam,
          querystring: pageQuery,
          response: {
            200: z.object({
              group: z.string(),
              filter: z.string().nullable(),
              memberCount: z.int(),
              members: z.array(memberSchema),
              next: z.string().nullable(),
            }),
          },
        },
      },
      async ({ params, query }) => {
        if (!(await groups.exists(params.group))) throw noGroup(params.group);
        const page = await groups.members(params.group, query.after, query.limit);
        return {
          group: params.group,
          filter: (await groups.filter(params.group)) ?? null,
          memberCount: await groups.memberCount(params.group),
          members: page.map(memberShape),
          next: page.length === query.limit ? (page.at(-1)?.name ?? null) : null,
        };
      },
    );

    api.post(
      '/api/v1/groups/:group/members',
      {
        schema: {
          summary: 'Add a device or a group to a group',
          params: groupParam,
          body: memberInput,
          response: { 201: memberSchema },
        },
      },
      async ({ params: { group }, body }, reply) => {
        const member = await additions.do(async () => {
          const added = { name: await freeName(group), deviceId: undefined, ...body };
          if (!(await groups.addMembers(group, [added]))) throw noGroup(group);
          return added;
        });
        return reply.status(201).send(memberShape(member));
      },
    );

    api.delete(
      '/api/v1/groups/:group/members/:name',
      {
        schema: { summary: 'Take a member out of a group', params: memberParam, response: { 204: z.null() } },
      },
      async ({ params: { group, name } }, reply) => {
        if (!(await groups.removeMember(group, name))) throw notFound(`member ${name} of a group ${group}`);
        await forgetGroupNode(nodes, group, 'Members', name);
        return reply.status(204).send(null);
      },
    );

    api.put(
      '/api/v1/groups/:group/filter',
      {
        schema: {
          summary: 'Set the filter of a group, or take it away with null',
          params: groupParam,
          body: z.strictObject({ filter: z.string().max(MAX_FILTER_CHARS).nullable() }),
          response: { 200: z.object({ group: z.string(), filter: z.string().nullable() }) },
        },
      },
      async ({ params: { group }, body: { filter } }) => {
        if (filter !== null) parseGroupFilter(filter);
        if (!(await groups.setFilter(group, filter ?? undefined))) throw noGroup(group);
        if (filter === null) await forgetGroupNode(nodes, group, 'Ext', 'Filter');
        return { group, filter };
      },
    );

    api.delete(
      '/api/v1/groups/:group',
      {
        schema: {
          summary: 'Remove a group; members of other groups that stand for it stand for nobody from then on',
          params: groupParam,
          response: { 204: z.null() },
        },
      },
      async ({ params: { group } }, reply) => {
        if (!(await groups.remove(group))) throw noGroup(group);
        await forgetGroupNode(nodes, group);
        return reply.status(204).send(null);
      },
    );

    api.get(
      '/api/v1/groups/:group/resolved',
      {
        schema: {
          summary: 'The devices a group comes down to, in the order of a run’s members',
          description:
            'Pages after the first go on in what the first one saw, unless another group is asked for between.',
          params: groupParam,
          querystring: resolvedQuery,
          response: {
            200: z.object({
              group: z.string(),
              resolvedCount: z.int(),
              members: z.array(resolvedSchema),
              next: z.string().nullable(),
            }),
          },
        },
      },
      async ({ params: { group }, query: { after, limit } }) => {
        if (!(await groups.exists(group))) throw noGroup(group);
        const { total, members } = await groups.resolvedMembers(group, after, limit, now());
        const last = members.at(-1);
        return {
          group,
          resolvedCount: total,
          members: members.map(resolvedShape),
          next: last && last.n < total ? String(last.n) : null,
        };
      },
    );
  });
}

function memberShape({ name, deviceId, groupRef }: GroupMember): z.infer<typeof memberSchema> {
  return { name, deviceId: deviceId ?? null, groupRef: groupRef ?? null };
}

function resolvedShape(member: ResolvedMember): z.infer<typeof resolvedSchema> {
  const known = member.deviceKey === undefined ? 'none' : 'known';
  return { n: member.n, deviceId: member.deviceId, account: member.isDecommissioned ? 'decommissioned' : known };
}

function noGroup(group: string): DmError {
  return notFound(`group ${group}`);
}
