import { parseGroupFilter } from '../../fanout/group-filter.ts';
import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { Data } from '../../protocol/message/message.ts';
import type { GroupMember, GroupStore } from '../../store/groups.ts';
import { pagesOf } from '../../store/pages.ts';
import { formatLocUri, type LocUri, parseLocUri } from '../../tree/loc-uri.ts';
import type { ManagementObject, NodeValue, Path } from '../../tree/management-object.ts';
import { keptFilter, keptGroup, keptMember } from './kept-groups.ts';
import { type NodeTable, tableObject, textOf } from './node-table.ts';

const ROOT = ['GwConfig'];
/** Path of the node that holds the groups, from the tree's root. */
export const DEVICE_GROUPS: Path = [...ROOT, 'DeviceGroups'];
const PAGE = 500;
/** Names from the root of the object down to `Members`. */
const MEMBERS_DEPTH = 3;
/** Longest DeviceID that an account can have. */
const MAX_DEVICE_ID_CHARS = 256;
/** Choice: the code points of Mode are not public; 1 stands for proxy mode, the only one there is. */
const PROXY_MODE = '1';

/** Gateway Config MO: the device groups. [FANOUT 3] */
export const GW_CONFIG_NODES = {
  '': { format: 'node', type: 'urn:oma:mo:oma-gwmo-config:1.1', access: ['Get'], occurrence: 'One' },
  DeviceGroups: { format: 'node', access: ['Get'], occurrence: 'One' },
  'DeviceGroups/*': { format: 'node', access: ['Add', 'Get', 'Delete', 'Replace'], occurrence: 'ZeroOrMore' },
  'DeviceGroups/*/Members': { format: 'node', access: ['Add', 'Get', 'Delete'], occurrence: 'One' },
  'DeviceGroups/*/Members/*': { format: 'node', access: ['Add', 'Get', 'Delete'], occurrence: 'ZeroOrMore' },
  'DeviceGroups/*/Members/*/DeviceID': {
    format: 'chr',
    access: ['Add', 'Get', 'Delete', 'Replace'],
    occurrence: 'ZeroOrOne',
  },
  'DeviceGroups/*/Members/*/GroupRef': {
    format: 'chr',
    access: ['Add', 'Get', 'Delete', 'Replace'],
    occurrence: 'ZeroOrOne',
  },
  'DeviceGroups/*/Ext': { format: 'node', access: ['Get', 'Delete'], occurrence: 'One' },
  'DeviceGroups/*/Ext/Filter': {
    format: 'chr',
    access: ['Add', 'Get', 'Delete', 'Replace'],
    occurrence: 'ZeroOrOne',
  },
  Ext: { format: 'node', access: ['Get'], occurrence: 'One' },
  'Ext/Mode': { format: 'int', access: ['Get'], occurrence: 'One' },
} as const satisfies NodeTable;

/** The device groups as the DM Server sees and changes them; the group store is all there is. */
export function createGwConfig(groups: GroupStore): ManagementObject {
  /** A member is a device or a group: what it is already has to be deleted first. */
  async function addTarget(group: string, added: GroupMember): Promise<void> {
    const { deviceId, groupRef } = (await groups.member(group, added.name)) ?? {};
    const [has, other] = added.deviceId === undefined ? [deviceId, 'DeviceID'] : [groupRef, 'GroupRef'];
    if (has === undefined) {
      await groups.setMember(group, added);
      return;
    }
    const uri = formatLocUri([...DEVICE_GROUPS, group, 'Members', added.name]);
    throw new StatusError(
      STATUS.conflict,
      'GATEWAY_MEMBER',
      `${uri} has a ${other}; a member has DeviceID or GroupRef`,
    );
  }

  async function empty([group, name]: readonly [string, string]): Promise<void> {
    await groups.setMember(group, { name, deviceId: undefined });
  }

  async function writeFilter([group]: readonly [string], { data }: NodeValue): Promise<void> {
    const text = textOf(data, formatLocUri([...DEVICE_GROUPS, group, 'Ext', 'Filter']));
    parseGroupFilter(text);
    await groups.setFilter(group, text);
  }

  async function dropFilter([group]: readonly [string]): Promise<void> {
    await groups.setFilter(group, undefined);
  }

  const object = tableObject(ROOT, GW_CONFIG_NODES, {
    'DeviceGroups/*': {
      exists: ([group]) => groups.exists(group),
      list: () => pagesOf(PAGE, (last: string | undefined) => groups.names(last ?? '', PAGE)),
      async add([group]) {
        if (await groups.create(group)) return;
        throw new StatusError(STATUS.alreadyExists, 'GATEWAY_GROUP_EXISTS', `there is a group ${group} already`);
      },
      async delete([group]) {
        await groups.remove(group);
      },
      async rename([group], name) {
        if (await groups.rename(group, name)) return;
        throw new StatusError(STATUS.alreadyExists, 'GATEWAY_GROUP_EXISTS', `there is a group ${name} already`);
      },
      keep: ([group]) => keptGroup(groups, group),
    },
    'DeviceGroups/*/Members': {
      async delete([group]) {
        for (;;) {
          const page = await groups.members(group, undefined, PAGE);
          if (page.length === 0) return;
          await Promise.all(page.map(({ name }) => groups.removeMember(group, name)));
        }
      },
    },
    'DeviceGroups/*/Members/*': {
      exists: async ([group, member]) => (await groups.member(group, member)) !== undefined,
      async *list([group]) {
        const members = pagesOf(PAGE, (last: GroupMember | undefined) => groups.members(group, last?.name, PAGE));
        for await (const { name } of members) yield name;
      },
      async add([group, member]) {
        if (await groups.addMembers(group, [{ name: member, deviceId: undefined }])) return;
        throw new StatusError(STATUS.notFound, 'GATEWAY_NO_GROUP', `there is no group ${group}`);
      },
      async delete([group, member]) {
        await groups.removeMember(group, member);
      },
      keep: ([group, member]) => keptMember(groups, group, member),
    },
    'DeviceGroups/*/Members/*/DeviceID': {
      read: async ([group, member]) => (await groups.member(group, member))?.deviceId,
      add: ([group, name], { data }) => addTarget(group, { name, deviceId: deviceIdOf(data, group, name) }),
      async replace([group, name], { data }) {
        await groups.setMember(group, { name, deviceId: deviceIdOf(data, group, name) });
      },
      delete: empty,
    },
    'DeviceGroups/*/Members/*/GroupRef': {
      async read([group, member]) {
        const groupRef = (await groups.member(group, member))?.groupRef;
        return groupRef === undefined ? undefined : formatLocUri([...DEVICE_GROUPS, groupRef]);
      },
      add: ([group, name], { data }) =>
        addTarget(group, { name, deviceId: undefined, groupRef: groupRefOf(data, group, name) }),
      async replace([group, name], { data }) {
        await groups.setMember(group, { name, deviceId: undefined, groupRef: groupRefOf(data, group, name) });
      },
      delete: empty,
    },
    'DeviceGroups/*/Ext': { delete: dropFilter, keep: ([group]) => keptFilter(groups, group) },
    'DeviceGroups/*/Ext/Filter': {
      read: ([group]) => groups.filter(group),
      add: writeFilter,
      replace: writeFilter,
      delete: dropFilter,
    },
    'Ext/Mode': { read: () => Promise.resolve(PROXY_MODE) },
  });
  return { ...object, isBulk: (path) => path.length === MEMBERS_DEPTH && path.at(-1) === 'Members' };
}

/** A LocURI, or the bare name of a group, which reads like one; `locUri` is the node that takes it [400]. [FANOUT 4] */
export function groupRefPath(text: string, locUri: string): Path {
  const told = `${locUri} takes the LocURI of a group node, or the name of a group`;
  let ref: LocUri;
  try {
    ref = parseLocUri(text);
  } catch (cause) {
    throw new StatusError(STATUS.badRequest, 'GATEWAY_GROUP_REF', told, { cause });
  }
  if (ref.query) throw new StatusError(STATUS.badRequest, 'GATEWAY_GROUP_REF', told);
  return ref.path;
}

/** Name of the group that a reference means; undefined: no group can be meant. */
export function groupNameOf(ref: Path): string | undefined {
  const [group, ...more] = DEVICE_GROUPS.every((name, at) => ref[at] === name) ? ref.slice(DEVICE_GROUPS.length) : ref;
  return more.length === 0 ? group : undefined;
}

function groupRefOf(data: Data, group: string, member: string): string {
  const locUri = formatLocUri([...DEVICE_GROUPS, group, 'Members', member, 'GroupRef']);
  const text = textOf(data, locUri);
  const name = groupNameOf(groupRefPath(text, locUri));
  if (name !== undefined) return name;
  throw new StatusError(
    STATUS.badRequest,
    'GATEWAY_GROUP_REF',
    `${locUri} cannot be ${JSON.stringify(text)}: it takes the LocURI of a group node, or the name of a group`,
  );
}

function deviceIdOf(data: Data, group: string, member: string): string {
  const locUri = formatLocUri([...DEVICE_GROUPS, group, 'Members', member, 'DeviceID']);
  const deviceId = textOf(data, locUri);
  if (deviceId.length > 0 && deviceId.length <= MAX_DEVICE_ID_CHARS) return deviceId;
  throw new StatusError(
    STATUS.badRequest,
    'GATEWAY_DEVICE_ID',
    `${locUri} has ${deviceId.length} characters; allowed is 1 to ${MAX_DEVICE_ID_CHARS}`,
  );
}
