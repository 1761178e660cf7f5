import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { Data } from '../../protocol/message/message.ts';
import type { GroupMember, GroupStore } from '../../store/groups.ts';
import { pagesOf } from '../../store/pages.ts';
import { keptGroup, keptMember } from './kept-groups.ts';
import { formatLocUri } from '../../tree/loc-uri.ts';
import type { ManagementObject, Path } from '../../tree/management-object.ts';
import { type NodeTable, tableObject, textOf } from './node-table.ts';

const ROOT = ['GwConfig'];
/** Path of the node that holds the groups, from the tree's root. */
export const DEVICE_GROUPS: Path = [...ROOT, 'DeviceGroups'];
const PAGE = 500;
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
  Ext: { format: 'node', access: ['Get'], occurrence: 'One' },
  'Ext/Mode': { format: 'int', access: ['Get'], occurrence: 'One' },
} as const satisfies NodeTable;

/** The device groups as the DM Server sees and changes them; the group store is all there is. */
export function createGwConfig(groups: GroupStore): ManagementObject {
  return tableObject(ROOT, GW_CONFIG_NODES, {
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
      async add([group, member], { data }) {
        await groups.setMemberDevice(group, member, deviceIdOf(data, group, member));
      },
      async replace([group, member], { data }) {
        await groups.setMemberDevice(group, member, deviceIdOf(data, group, member));
      },
      async delete([group, member]) {
        await groups.setMemberDevice(group, member, undefined);
      },
    },
    'Ext/Mode': { read: () => Promise.resolve(PROXY_MODE) },
  });
}

/** Name of the group that TargetGroupRef means: a LocURI of a group node, or a bare name; undefined: no group can be meant. */
export function groupNameOf(targetGroupRef: Path): string | undefined {
  const [group, ...more] = DEVICE_GROUPS.every((name, at) => targetGroupRef[at] === name)
    ? targetGroupRef.slice(DEVICE_GROUPS.length)
    : targetGroupRef;
  return more.length === 0 ? group : undefined;
}

function deviceIdOf(data: Data, group: string, member: string): string {
  const locUri = formatLocUri([...ROOT, 'DeviceGroups', group, 'Members', member, 'DeviceID']);
  const deviceId = textOf(data, locUri);
  if (deviceId.length > 0 && deviceId.length <= MAX_DEVICE_ID_CHARS) return deviceId;
  throw new StatusError(
    STATUS.badRequest,
    'GATEWAY_DEVICE_ID',
    `${locUri} has ${deviceId.length} characters; allowed is 1 to ${MAX_DEVICE_ID_CHARS}`,
  );
}
