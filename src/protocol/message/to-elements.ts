import { branch, type Element, leaf } from '../element.ts';
import type { ElementName } from '../elements.ts';
import {
  type Answer,
  type Command,
  type Cred,
  type Filter,
  type Item,
  type Location,
  type Message,
  type Meta,
  type SyncHdr,
  type Unnumbered,
} from './message.ts';

/** A message as its element tree, children in the order of the DTD. [REPPRO 5] */
export function messageToElement({ hdr, body, final }: Message): Element {
  const commands = body.map(commandToElement);
  addFlag(commands, 'Final', final);
  return branch('SyncML', [syncHdr(hdr), branch('SyncBody', commands)]);
}

/** A command as its element tree; without CmdID and MsgRef while the session has not given them. */
export function commandToElement(command: Command | Unnumbered | Answer): Element {
  const to: Element[] = [];
  if ('cmdId' in command) addText(to, 'CmdID', command.cmdId);
  switch (command.kind) {
    case 'Status':
      if ('msgRef' in command) addText(to, 'MsgRef', command.msgRef);
      addText(to, 'CmdRef', command.cmdRef);
      addText(to, 'Cmd', command.cmd);
      for (const targetRef of command.targetRefs) addText(to, 'TargetRef', targetRef);
      for (const sourceRef of command.sourceRefs) addText(to, 'SourceRef', sourceRef);
      addCred(to, command.cred);
      if (command.chal !== undefined) {
        const chal: Element[] = [];
        addMeta(chal, command.chal);
        to.push(branch('Chal', chal));
      }
      addNumber(to, 'Data', command.code);
      addItems(to, command.items);
      return branch('Status', to);
    case 'Results':
      if ('msgRef' in command) addText(to, 'MsgRef', command.msgRef);
      addText(to, 'CmdRef', command.cmdRef);
      addMeta(to, command.meta);
      addText(to, 'TargetRef', command.targetRef);
      addText(to, 'SourceRef', command.sourceRef);
      addItems(to, command.items);
      return branch('Results', to);
    case 'Add':
    case 'Replace':
    case 'Copy':
    case 'Get':
    case 'Delete':
      addFlag(to, 'NoResp', command.noResp);
      if (command.kind === 'Delete') {
        addFlag(to, 'Archive', command.archive);
        addFlag(to, 'SftDel', command.sftDel);
      }
      if (command.kind === 'Get') addText(to, 'Lang', command.lang);
      addCred(to, command.cred);
      addMeta(to, command.meta);
      addItems(to, command.items);
      return branch(command.kind, to);
    case 'Exec':
      addFlag(to, 'NoResp', command.noResp);
      addCred(to, command.cred);
      addMeta(to, command.meta);
      addText(to, 'Correlator', command.correlator);
      addItems(to, command.items);
      return branch('Exec', to);
    case 'Alert':
      addFlag(to, 'NoResp', command.noResp);
      addCred(to, command.cred);
      addNumber(to, 'Data', command.code);
      addText(to, 'Correlator', command.correlator);
      addItems(to, command.items);
      return branch('Alert', to);
    case 'Atomic':
    case 'Sequence':
      addFlag(to, 'NoResp', command.noResp);
      addMeta(to, command.meta);
      for (const nested of command.commands) to.push(commandToElement(nested));
      return branch(command.kind, to);
    case 'Foreign':
      return branch(command.name, to);
  }
}

function syncHdr(hdr: SyncHdr): Element {
  const to: Element[] = [];
  addText(to, 'VerDTD', hdr.verDtd);
  addText(to, 'VerProto', hdr.verProto);
  addText(to, 'SessionID', hdr.sessionId);
  addText(to, 'MsgID', hdr.msgId);
  addLocation(to, 'Target', hdr.target);
  addLocation(to, 'Source', hdr.source);
  addText(to, 'RespURI', hdr.respUri);
  addFlag(to, 'NoResp', hdr.noResp);
  addCred(to, hdr.cred);
  addMeta(to, hdr.meta);
  return branch('SyncHdr', to);
}

function addItems(to: Element[], items: readonly Item[]): void {
  for (const item of items) to.push(itemElement(item));
}

function itemElement(item: Item): Element {
  const to: Element[] = [];
  addLocation(to, 'Target', item.target);
  addLocation(to, 'Source', item.source);
  addParent(to, 'SourceParent', item.sourceParent);
  addParent(to, 'TargetParent', item.targetParent);
  addMeta(to, item.meta);
  if (item.data !== undefined) to.push(leaf('Data', item.data));
  addFlag(to, 'MoreData', item.moreData);
  return branch('Item', to);
}

function addParent(to: Element[], name: 'SourceParent' | 'TargetParent', locUri: string | undefined): void {
  if (locUri !== undefined) to.push(branch(name, [leaf('LocURI', locUri)]));
}

function addLocation(to: Element[], name: 'Target' | 'Source', location: Location | undefined): void {
  if (location === undefined) return;
  const children = [leaf('LocURI', location.locUri)];
  addText(children, 'LocName', location.locName);
  if (location.filter !== undefined) children.push(filterElement(location.filter));
  to.push(branch(name, children));
}

function filterElement({ meta, field, record, filterType }: Filter): Element {
  const to: Element[] = [];
  addMeta(to, meta);
  if (field !== undefined) to.push(branch('Field', [itemElement(field)]));
  if (record !== undefined) to.push(branch('Record', [itemElement(record)]));
  addText(to, 'FilterType', filterType);
  return branch('Filter', to);
}

function addCred(to: Element[], cred: Cred | undefined): void {
  if (cred === undefined) return;
  const children: Element[] = [];
  addMeta(children, cred.meta);
  children.push(leaf('Data', cred.data));
  to.push(branch('Cred', children));
}

function addMeta(to: Element[], meta: Meta | undefined): void {
  if (meta === undefined) return;
  const children: Element[] = [];
  addText(children, 'metinf:Format', meta.format);
  addText(children, 'metinf:Type', meta.type);
  addText(children, 'metinf:Mark', meta.mark);
  addNumber(children, 'metinf:Size', meta.size);
  addText(children, 'metinf:Version', meta.version);
  addText(children, 'metinf:NextNonce', meta.nextNonce);
  addNumber(children, 'metinf:MaxMsgSize', meta.maxMsgBytes);
  addNumber(children, 'metinf:MaxObjSize', meta.maxObjBytes);
  for (const emi of meta.emi ?? []) addText(children, 'metinf:EMI', emi);
  to.push(branch('Meta', children));
}

function addText(to: Element[], name: ElementName, text: string | undefined): void {
  if (text !== undefined) to.push(leaf(name, text));
}

function addNumber(to: Element[], name: ElementName, value: number | undefined): void {
  if (value !== undefined) to.push(leaf(name, String(value)));
}

function addFlag(to: Element[], name: ElementName, value: boolean | undefined): void {
  if (value === true) to.push(leaf(name));
}
