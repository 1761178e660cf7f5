import { STATUS } from '../protocol/message/codes.ts';
import { type AclCommand, allows } from './acl.ts';
import type { NodeInfo, Path } from './management-object.ts';
import { type Execution, type Outcome, refused } from './outcome.ts';

/**
 * Why the caller may not run the command on a node that exists; undefined when it may. [TND 7.7.1]
 *
 * Choice: existence [404] counts before AccessType [405], AccessType before ACL [425]; the standard gives no order.
 */
export async function refusalOf(
  { tree, caller }: Execution,
  path: Path,
  node: NodeInfo,
  command: AclCommand,
): Promise<Outcome | undefined> {
  if (!node.access.includes(command)) return refused(STATUS.commandNotAllowed);
  if (!allows(await tree.effectiveAcl(path), command, caller.serverId)) return refused(STATUS.permissionDenied);
  return undefined;
}
