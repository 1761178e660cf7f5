import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';

const ACL_COMMANDS = ['Add', 'Delete', 'Exec', 'Get', 'Replace'] as const;

/** Commands an ACL gives rights to. [TND 7.7.1] */
export type AclCommand = (typeof ACL_COMMANDS)[number];

/** Who may do what: ServerIDs by command, `*` for every server. Without entries it is empty and says nothing. [TND 7.7.1] */
export type Acl = ReadonlyMap<AclCommand, readonly string[]>;

/** ACL of a root node that was given none: every server reads and adds. [TND 7.7.1] */
export const DEFAULT_ROOT_ACL = 'Add=*&Get=*';

const EMPTY_ACL: Acl = new Map();
/** Printable, without what the grammar uses itself. */
const SERVER_ID = /^[^=&*+\s\p{C}]+$/u;

/** Reads the value of the ACL property; a command that stands there twice gets both lists. Throws `StatusError` 400. [TND 7.7.1] */
export function parseAcl(text: string): Acl {
  if (text === '') return EMPTY_ACL;
  const acl = new Map<AclCommand, readonly string[]>();
  for (const entry of text.split('&')) {
    const [, name = '', ids = ''] = /^([A-Za-z]+)=(.+)$/.exec(entry) ?? [];
    const command = ACL_COMMANDS.find((known) => known === name);
    if (command === undefined) throw malformed(`an ACL entry is Command=ServerID, with ${ACL_COMMANDS.join(', ')}`);
    const serverIds = ids.split('+');
    if (!serverIds.every((id) => id === '*' || isAclServerId(id))) {
      throw malformed('a ServerID in an ACL is * or printable characters without = & * + and blanks');
    }
    acl.set(command, [...new Set([...(acl.get(command) ?? []), ...serverIds])]);
  }
  return acl;
}

/** Writes an ACL in the order of its entries; an empty one is empty text. [TND 7.7.1] */
export function formatAcl(acl: Acl): string {
  return [...acl].map(([command, ids]) => `${command}=${ids.join('+')}`).join('&');
}

/** Whether an ACL, own or inherited, gives the server the right. [TND 7.7.1] */
export function allows(acl: Acl, command: AclCommand, serverId: string): boolean {
  const ids = acl.get(command);
  return ids !== undefined && (ids.includes('*') || ids.includes(serverId));
}

/**
 * The ACL after every server but these was taken out of the device. A command that is left with nobody vanishes. Not for
 * the root, where nobody may be locked out. [TND 7.7.1]
 */
export function ofServers(acl: Acl, serverIds: readonly string[]): Acl {
  const left = new Map<AclCommand, readonly string[]>();
  for (const [command, ids] of acl) {
    const others = ids.filter((id) => id === '*' || serverIds.includes(id));
    if (others.length > 0) left.set(command, others);
  }
  return left;
}

/** Whether an ACL can name this server. */
export function isAclServerId(id: string): boolean {
  return SERVER_ID.test(id);
}

function malformed(message: string): StatusError {
  return new StatusError(STATUS.badRequest, 'TREE_ACL_MALFORMED', message);
}
