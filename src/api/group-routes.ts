import { z } from 'zod';
import { parseGroupFilter } from '../fanout/group-filter.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { DmError } from '../protocol/errors.ts';
import { wireText } from '../store/wire-text.ts';
import type { GroupMember, ResolvedMember } from '../store/groups.ts';
import type { Api } from './listener.ts';
import { groupInput, groupName, pageQuery } from './shapes.ts';

const groupParam = z.strictObject({ group: z.string() });
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
  const { groups } = gateway.store;

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
        const member = { name: await freeName(group), deviceId: undefined, ...body };
        if (!(await groups.addMembers(group, [member]))) throw noGroup(group);
        return reply.status(201).send(memberShape(member));
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
  return new DmError('API_NOT_FOUND', `there is no group ${group}`);
}
