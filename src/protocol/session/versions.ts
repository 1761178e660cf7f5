import { STATUS } from '../message/codes.ts';
import type { Item, RequestCommand, SyncHdr } from '../message/message.ts';

/** What a message of ours says of the protocol, unless it answers an older client. [REPPRO 5] */
export const VERSIONS = { verDtd: '1.2', verProto: 'DM/1.2' } as const;

/** Versions of the protocol that a server of ours speaks. */
type Versions = Pick<SyncHdr, 'verDtd' | 'verProto'>;

/** Whether a peer's message is of a version we speak; one that leaves it out is taken at its word. [DMPROTO 5] */
export function versionStatus({ verDtd, verProto }: SyncHdr): number {
  if (verProto !== '' && !/^DM\/1\.[123]$/.test(verProto)) return STATUS.protocolVersionNotSupported;
  return /^(?:1\.[12])?$/.test(verDtd) ? STATUS.ok : STATUS.dtdVersionNotSupported;
}

/** The versions in which a client is answered: its own where that is DM 1.1. [DMPROTO 5] */
export function versionsFor({ verDtd, verProto }: SyncHdr): Versions {
  const isOldDtd = verDtd === '1.1';
  const isOldProto = verProto === 'DM/1.1' || (verProto === '' && isOldDtd);
  return { verDtd: isOldDtd ? '1.1' : VERSIONS.verDtd, verProto: isOldProto ? 'DM/1.1' : VERSIONS.verProto };
}

/** A command without what the DTD of that version does not have: before 1.2 Correlator, Filter and the parents of Items. */
export function inVersion(command: RequestCommand, { verDtd }: Versions): RequestCommand {
  return verDtd === '1.1' ? withoutNews(command) : command;
}

function withoutNews(command: RequestCommand): RequestCommand {
  switch (command.kind) {
    case 'Atomic':
    case 'Sequence':
      return { ...command, commands: command.commands.map(withoutNews) };
    case 'Alert':
    case 'Exec':
      return { ...command, correlator: undefined, items: command.items.map(itemWithoutNews) };
    case 'Add':
    case 'Copy':
    case 'Delete':
    case 'Get':
    case 'Replace':
      return { ...command, items: command.items.map(itemWithoutNews) };
    case 'Foreign':
      return command;
  }
}

function itemWithoutNews(item: Item): Item {
  const target = item.target && { ...item.target, filter: undefined };
  return { ...item, target, sourceParent: undefined, targetParent: undefined };
}
