import { childOf, childrenOf, type Element } from '../element.ts';
import type { ElementName } from '../elements.ts';
import { DecodeError } from '../errors.ts';
import { trimmed } from '../xml/characters.ts';
import { base64 } from '../xml/octets.ts';
import type {
  AlertCommand,
  Command,
  ContainerCommand,
  Cred,
  ExecCommand,
  Filter,
  Item,
  ItemCommand,
  Location,
  Message,
  Meta,
  RequestCommand,
  ResultsCommand,
  StatusCommand,
  SyncHdr,
} from './message.ts';

/** What is not an error for the reader of commands. */
export interface CommandTolerance {
  /** A command without CmdID gets an empty one. */
  readonly missingCmdId?: boolean;
}

/**
 * Reads a message: order does not matter, and what only a strict reader would miss may be absent. Throws `DecodeError` with a
 * code `MESSAGE_…` where nothing sensible is left without it. [REPPRO 5]
 */
export function messageFromElement(root: Element): Message {
  if (root.name !== 'SyncML') throw wrong('MESSAGE_ROOT', `root element is ${root.name}, not SyncML`, root);
  const body = required(root, 'SyncBody');
  const commands = body.children.filter(({ name }) => name !== 'Final');
  return {
    hdr: syncHdr(required(root, 'SyncHdr')),
    body: commandsFromElements(commands),
    final: commands.length < body.children.length,
  };
}

/** Reads commands as they stand in a SyncBody, in their order. */
export function commandsFromElements(elements: readonly Element[], tolerance: CommandTolerance = {}): Command[] {
  return elements.map((element) => command(element, tolerance));
}

function command(element: Element, tolerance: CommandTolerance): Command {
  switch (element.name) {
    case 'Status':
      return status(element);
    case 'Results':
      return results(element);
    default:
      return requestCommand(element, tolerance);
  }
}

function requestCommand(element: Element, tolerance: CommandTolerance): RequestCommand {
  const cmdId = tolerance.missingCmdId === true ? (text(element, 'CmdID') ?? '') : requiredText(element, 'CmdID');
  switch (element.name) {
    case 'Add':
    case 'Replace':
    case 'Copy':
    case 'Get':
    case 'Delete':
      return itemCommand(element, element.name, cmdId);
    case 'Exec':
      return exec(element, cmdId);
    case 'Alert':
      return alert(element, cmdId);
    case 'Atomic':
    case 'Sequence':
      return container(element, element.name, cmdId, tolerance);
    case 'Sync':
    case 'Map':
    case 'Put':
    case 'Search':
    case 'Move':
      return { kind: 'Foreign', name: element.name, cmdId };
    default:
      throw wrong('MESSAGE_ELEMENT', `${element.name} is not a command that may stand here`, element);
  }
}

function itemCommand(element: Element, kind: ItemCommand['kind'], cmdId: string): ItemCommand {
  return {
    kind,
    cmdId,
    noResp: flag(element, 'NoResp'),
    archive: kind === 'Delete' ? flag(element, 'Archive') : undefined,
    sftDel: kind === 'Delete' ? flag(element, 'SftDel') : undefined,
    lang: kind === 'Get' ? text(element, 'Lang') : undefined,
    cred: cred(element),
    meta: meta(element),
    items: items(element),
  };
}

function exec(element: Element, cmdId: string): ExecCommand {
  return {
    kind: 'Exec',
    cmdId,
    noResp: flag(element, 'NoResp'),
    cred: cred(element),
    meta: meta(element),
    correlator: text(element, 'Correlator'),
    items: items(element),
  };
}

function alert(element: Element, cmdId: string): AlertCommand {
  return {
    kind: 'Alert',
    cmdId,
    noResp: flag(element, 'NoResp'),
    cred: cred(element),
    code: decimal(element, 'Data'),
    correlator: text(element, 'Correlator'),
    items: items(element),
  };
}

const CONTAINER_FIELDS: ReadonlySet<ElementName> = new Set<ElementName>(['CmdID', 'NoResp', 'Meta', 'Cred']);

function container(
  element: Element,
  kind: ContainerCommand['kind'],
  cmdId: string,
  tolerance: CommandTolerance,
): ContainerCommand {
  return {
    kind,
    cmdId,
    noResp: flag(element, 'NoResp'),
    meta: meta(element),
    commands: element.children
      .filter(({ name }) => !CONTAINER_FIELDS.has(name))
      .map((child) => requestCommand(child, tolerance)),
  };
}

function status(element: Element): StatusCommand {
  const cmd = text(element, 'Cmd');
  const cmdRef = text(element, 'CmdRef') ?? (cmd === 'SyncHdr' ? '0' : requiredText(element, 'CmdRef'));
  const code = decimal(element, 'Data');
  if (code === undefined) throw wrong('MESSAGE_INCOMPLETE', 'Status has no Data', element);
  const chal = childOf(element, 'Chal');
  return {
    kind: 'Status',
    cmdId: text(element, 'CmdID') ?? '',
    msgRef: requiredText(element, 'MsgRef'),
    cmdRef,
    cmd: cmd ?? (cmdRef === '0' ? 'SyncHdr' : ''),
    targetRefs: childrenOf(element, 'TargetRef').map(textOf),
    sourceRefs: childrenOf(element, 'SourceRef').map(textOf),
    cred: cred(element),
    chal: chal && (meta(chal) ?? {}),
    code,
    items: items(element),
  };
}

function results(element: Element): ResultsCommand {
  return {
    kind: 'Results',
    cmdId: text(element, 'CmdID') ?? '',
    msgRef: text(element, 'MsgRef'),
    cmdRef: requiredText(element, 'CmdRef'),
    meta: meta(element),
    targetRef: anyText(element, 'TargetRef'),
    sourceRef: anyText(element, 'SourceRef'),
    items: items(element),
  };
}

function syncHdr(element: Element): SyncHdr {
  return {
    verDtd: text(element, 'VerDTD') ?? '',
    verProto: text(element, 'VerProto') ?? '',
    sessionId: requiredText(element, 'SessionID'),
    msgId: requiredText(element, 'MsgID'),
    target: location(required(element, 'Target')),
    source: location(required(element, 'Source')),
    respUri: text(element, 'RespURI'),
    noResp: flag(element, 'NoResp'),
    cred: cred(element),
    meta: meta(element),
  };
}

function items(parent: Element): Item[] {
  const found: Item[] = [];
  for (const child of parent.children) if (child.name === 'Item') found.push(item(child));
  return found;
}

function item(element: Element): Item {
  const target = childOf(element, 'Target');
  const source = childOf(element, 'Source');
  const sourceParent = childOf(element, 'SourceParent');
  const targetParent = childOf(element, 'TargetParent');
  return {
    target: target && location(target),
    source: source && location(source),
    sourceParent: sourceParent && location(sourceParent).locUri,
    targetParent: targetParent && location(targetParent).locUri,
    meta: meta(element),
    data: childOf(element, 'Data')?.text,
    moreData: flag(element, 'MoreData'),
  };
}

/** Some peers write the LocURI as the text of Target or Source itself. */
function location(element: Element): Location {
  const filter = childOf(element, 'Filter');
  return {
    locUri: anyText(element, 'LocURI') ?? textOf(element),
    locName: anyText(element, 'LocName'),
    filter: filter && filterOf(filter),
  };
}

function filterOf(element: Element): Filter {
  const field = childOf(element, 'Field');
  const record = childOf(element, 'Record');
  return {
    meta: meta(element),
    field: field && items(field)[0],
    record: record && items(record)[0],
    filterType: text(element, 'FilterType'),
  };
}

function cred(parent: Element): Cred | undefined {
  const element = childOf(parent, 'Cred');
  if (element === undefined) return undefined;
  const data = childOf(element, 'Data')?.text ?? '';
  return { meta: meta(element), data: typeof data === 'string' ? trimmed(data) : base64(data) };
}

/** MetInf values stand in Meta itself, or some peers' way in a MetInf element inside it. */
function meta(parent: Element): Meta | undefined {
  const outer = childOf(parent, 'Meta');
  if (outer === undefined) return undefined;
  const element = childOf(outer, 'metinf:MetInf') ?? outer;
  const emi = childOf(element, 'metinf:EMI') === undefined ? [] : childrenOf(element, 'metinf:EMI');
  return {
    format: text(element, 'metinf:Format'),
    type: text(element, 'metinf:Type'),
    mark: text(element, 'metinf:Mark'),
    size: decimal(element, 'metinf:Size'),
    nextNonce: anyText(element, 'metinf:NextNonce'),
    version: text(element, 'metinf:Version'),
    maxMsgBytes: decimal(element, 'metinf:MaxMsgSize'),
    maxObjBytes: decimal(element, 'metinf:MaxObjSize'),
    emi: emi.length === 0 ? undefined : emi.map(textOf),
  };
}

function flag(parent: Element, name: ElementName): true | undefined {
  return childOf(parent, name) === undefined ? undefined : true;
}

function textOf({ text: content }: Element): string {
  return typeof content === 'string' ? content : base64(content);
}

/** Text of a child, empty or not. */
function anyText(parent: Element, name: ElementName): string | undefined {
  const child = childOf(parent, name);
  return child && textOf(child);
}

/** Text of a child; an empty one counts as absent. */
function text(parent: Element, name: ElementName): string | undefined {
  const found = anyText(parent, name);
  return found === '' ? undefined : found;
}

function decimal(parent: Element, name: ElementName): number | undefined {
  const child = childOf(parent, name);
  const digits = child && trimmed(textOf(child));
  if (child === undefined || digits === undefined || digits === '') return undefined;
  if (!/^\d{1,15}$/.test(digits))
    throw wrong('MESSAGE_VALUE', `${name} in ${parent.name} is not a decimal number`, child);
  return Number(digits);
}

function required(parent: Element, name: ElementName): Element {
  const child = childOf(parent, name);
  if (child === undefined) throw wrong('MESSAGE_INCOMPLETE', `${parent.name} has no ${name}`, parent);
  return child;
}

function requiredText(parent: Element, name: ElementName): string {
  const found = text(parent, name);
  if (found === undefined) throw wrong('MESSAGE_INCOMPLETE', `${parent.name} has no ${name}`, parent);
  return found;
}

function wrong(code: string, message: string, { offset }: Element): DecodeError {
  return new DecodeError(code, message, offset);
}
