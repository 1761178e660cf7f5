import type { ElementName } from '../elements.ts';
import type {
  Answer,
  Command,
  Cred,
  Data,
  Filter,
  Item,
  Location,
  Message,
  Meta,
  SyncHdr,
  Unnumbered,
} from './message.ts';

/** The elements of a message that hold others; all of them are of page 0. */
export type Branch = Exclude<ElementName, `${string}:${string}`>;

/** Takes the elements of a message in the order of the document. */
export interface MessageWriter {
  start(name: Branch): void;
  end(name: Branch): void;
  leaf(name: ElementName, text: Data): void;
  /** An Item, by `writeItem` unless this form has to carry its Data in another way. */
  item(item: Item): void;
}

/** CmdID and MsgRef of a command; absent while the session has not given them. */
export interface CommandIds {
  readonly cmdId?: string | undefined;
  readonly msgRef?: string | undefined;
}

/** Writes a message, children in the order of the DTD. [REPPRO 5] */
export function writeMessage(to: MessageWriter, { hdr, body, final }: Message): void {
  to.start('SyncML');
  writeHdr(to, hdr);
  to.start('SyncBody');
  for (const command of body) writeCommand(to, command);
  writeFlag(to, 'Final', final);
  to.end('SyncBody');
  to.end('SyncML');
}

/** Writes a command under its own ids, or under those that are given. */
export function writeCommand(
  to: MessageWriter,
  command: Command | Unnumbered | Answer,
  { cmdId, msgRef }: CommandIds = command as CommandIds,
): void {
  const name = command.kind === 'Foreign' ? command.name : command.kind;
  to.start(name);
  writeText(to, 'CmdID', cmdId);
  switch (command.kind) {
    case 'Status':
      writeText(to, 'MsgRef', msgRef);
      to.leaf('CmdRef', command.cmdRef);
      to.leaf('Cmd', command.cmd);
      for (const targetRef of command.targetRefs) to.leaf('TargetRef', targetRef);
      for (const sourceRef of command.sourceRefs) to.leaf('SourceRef', sourceRef);
      writeCred(to, command.cred);
      if (command.chal !== undefined) {
        to.start('Chal');
        writeMeta(to, command.chal);
        to.end('Chal');
      }
      writeNumber(to, 'Data', command.code);
      writeItems(to, command.items);
      break;
    case 'Results':
      writeText(to, 'MsgRef', msgRef);
      to.leaf('CmdRef', command.cmdRef);
      writeMeta(to, command.meta);
      writeText(to, 'TargetRef', command.targetRef);
      writeText(to, 'SourceRef', command.sourceRef);
      writeItems(to, command.items);
      break;
    case 'Add':
    case 'Replace':
    case 'Copy':
    case 'Get':
    case 'Delete':
      writeFlag(to, 'NoResp', command.noResp);
      if (command.kind === 'Delete') {
        writeFlag(to, 'Archive', command.archive);
        writeFlag(to, 'SftDel', command.sftDel);
      }
      if (command.kind === 'Get') writeText(to, 'Lang', command.lang);
      writeCred(to, command.cred);
      writeMeta(to, command.meta);
      writeItems(to, command.items);
      break;
    case 'Exec':
      writeFlag(to, 'NoResp', command.noResp);
      writeCred(to, command.cred);
      writeMeta(to, command.meta);
      writeText(to, 'Correlator', command.correlator);
      writeItems(to, command.items);
      break;
    case 'Alert':
      writeFlag(to, 'NoResp', command.noResp);
      writeCred(to, command.cred);
      writeNumber(to, 'Data', command.code);
      writeText(to, 'Correlator', command.correlator);
      writeItems(to, command.items);
      break;
    case 'Atomic':
    case 'Sequence':
      writeFlag(to, 'NoResp', command.noResp);
      writeMeta(to, command.meta);
      for (const nested of command.commands) writeCommand(to, nested);
      break;
    case 'Foreign':
      break;
  }
  to.end(name);
}

/** Writes an Item with its Data as it is. */
export function writeItem(to: MessageWriter, item: Item): void {
  to.start('Item');
  writeLocation(to, 'Target', item.target);
  writeLocation(to, 'Source', item.source);
  writeParent(to, 'SourceParent', item.sourceParent);
  writeParent(to, 'TargetParent', item.targetParent);
  writeMeta(to, item.meta);
  if (item.data !== undefined) to.leaf('Data', item.data);
  writeFlag(to, 'MoreData', item.moreData);
  to.end('Item');
}

function writeHdr(to: MessageWriter, hdr: SyncHdr): void {
  to.start('SyncHdr');
  to.leaf('VerDTD', hdr.verDtd);
  to.leaf('VerProto', hdr.verProto);
  to.leaf('SessionID', hdr.sessionId);
  to.leaf('MsgID', hdr.msgId);
  writeLocation(to, 'Target', hdr.target);
  writeLocation(to, 'Source', hdr.source);
  writeText(to, 'RespURI', hdr.respUri);
  writeFlag(to, 'NoResp', hdr.noResp);
  writeCred(to, hdr.cred);
  writeMeta(to, hdr.meta);
  to.end('SyncHdr');
}

function writeItems(to: MessageWriter, items: readonly Item[]): void {
  for (const item of items) to.item(item);
}

function writeParent(to: MessageWriter, name: 'SourceParent' | 'TargetParent', locUri: string | undefined): void {
  if (locUri === undefined) return;
  to.start(name);
  to.leaf('LocURI', locUri);
  to.end(name);
}

function writeLocation(to: MessageWriter, name: 'Target' | 'Source', location: Location | undefined): void {
  if (location === undefined) return;
  to.start(name);
  to.leaf('LocURI', location.locUri);
  writeText(to, 'LocName', location.locName);
  if (location.filter !== undefined) writeFilter(to, location.filter);
  to.end(name);
}

function writeFilter(to: MessageWriter, { meta, field, record, filterType }: Filter): void {
  to.start('Filter');
  writeMeta(to, meta);
  writeItemIn(to, 'Field', field);
  writeItemIn(to, 'Record', record);
  writeText(to, 'FilterType', filterType);
  to.end('Filter');
}

function writeItemIn(to: MessageWriter, name: 'Field' | 'Record', item: Item | undefined): void {
  if (item === undefined) return;
  to.start(name);
  to.item(item);
  to.end(name);
}

function writeCred(to: MessageWriter, cred: Cred | undefined): void {
  if (cred === undefined) return;
  to.start('Cred');
  writeMeta(to, cred.meta);
  to.leaf('Data', cred.data);
  to.end('Cred');
}

function writeMeta(to: MessageWriter, meta: Meta | undefined): void {
  if (meta === undefined) return;
  to.start('Meta');
  writeText(to, 'metinf:Format', meta.format);
  writeText(to, 'metinf:Type', meta.type);
  writeText(to, 'metinf:Mark', meta.mark);
  writeNumber(to, 'metinf:Size', meta.size);
  writeText(to, 'metinf:Version', meta.version);
  writeText(to, 'metinf:NextNonce', meta.nextNonce);
  writeNumber(to, 'metinf:MaxMsgSize', meta.maxMsgBytes);
  writeNumber(to, 'metinf:MaxObjSize', meta.maxObjBytes);
  if (meta.emi !== undefined) for (const emi of meta.emi) to.leaf('metinf:EMI', emi);
  to.end('Meta');
}

function writeText(to: MessageWriter, name: ElementName, text: string | undefined): void {
  if (text !== undefined) to.leaf(name, text);
}

function writeNumber(to: MessageWriter, name: ElementName, value: number | undefined): void {
  if (value !== undefined) to.leaf(name, String(value));
}

function writeFlag(to: MessageWriter, name: ElementName, value: boolean | undefined): void {
  if (value === true) to.leaf(name, '');
}
