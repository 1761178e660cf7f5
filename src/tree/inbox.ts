import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { ObjectDescription } from './description.ts';
import type { ManagementObject, Path } from './management-object.ts';

/** MO identifier of the inbox. [STDOBJ 5.3.4] */
const INBOX_MO = 'urn:oma:mo:oma-dm-inbox:1.0';

/** The inbox as its DDF describes it. [STDOBJ 5.3.4] */
export const INBOX_NODES = {
  '': { format: 'node', type: INBOX_MO, access: ['Add'], occurrence: 'One' },
} as const satisfies ObjectDescription;

/**
 * `./Inbox`: takes serialised objects by Add and nothing else, and puts each where `places` says for its MO identifier.
 * [STDOBJ 5.3.4]
 */
export function createInbox(places: Readonly<Record<string, Path>>): ManagementObject {
  return {
    root: ['Inbox'],
    find: (path) =>
      Promise.resolve(
        path.length === 0 ? { format: 'node', type: INBOX_MO, access: ['Add'], permanent: true } : undefined,
      ),
    async *children() {
      // Nothing stays here.
    },
    read: () => Promise.reject(new StatusError(STATUS.commandNotAllowed, 'TREE_INBOX', 'the inbox is never read')),
    placeFor: (type) => (Object.hasOwn(places, type) ? places[type] : undefined),
  };
}
