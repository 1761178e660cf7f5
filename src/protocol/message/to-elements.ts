import { branch, type Element, leaf } from '../element.ts';
import { type ElementName, elementType } from '../elements.ts';
import {
  type Answer,
  type Command,
  type Cred,
  type Data,
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
  return compose('SyncML', {
    SyncHdr: syncHdr(hdr),
    SyncBody: compose('SyncBody', { Final: final }, body.map(commandToElement)),
  });
}

/** A command as its element tree; without CmdID and MsgRef while the session has not given them. */
export function commandToElement(command: Command | Unnumbered | Answer): Element {
  const cmdId = 'cmdId' in command ? command.cmdId : undefined;
  switch (command.kind) {
    case 'Status':
      return compose('Status', {
        CmdID: cmdId,
        MsgRef: 'msgRef' in command ? command.msgRef : undefined,
        CmdRef: command.cmdRef,
        Cmd: command.cmd,
        TargetRef: command.targetRefs,
        SourceRef: command.sourceRefs,
        Cred: credElement(command.cred),
        Chal: command.chal && compose('Chal', { Meta: metaElement(command.chal) }),
        Data: command.code,
        Item: command.items.map(itemElement),
      });
    case 'Results':
      return compose('Results', {
        CmdID: cmdId,
        MsgRef: 'msgRef' in command ? command.msgRef : undefined,
        CmdRef: command.cmdRef,
        Meta: metaElement(command.meta),
        TargetRef: command.targetRef,
        SourceRef: command.sourceRef,
        Item: command.items.map(itemElement),
      });
    case 'Add':
    case 'Replace':
    case 'Copy':
    case 'Get':
    case 'Delete':
      return compose(command.kind, {
        CmdID: cmdId,
        NoResp: command.noResp,
        Archive: command.archive,
        SftDel: command.sftDel,
        Lang: command.lang,
        Cred: credElement(command.cred),
        Meta: metaElement(command.meta),
        Item: command.items.map(itemElement),
      });
    case 'Exec':
      return compose('Exec', {
        CmdID: cmdId,
        NoResp: command.noResp,
        Cred: credElement(command.cred),
        Meta: metaElement(command.meta),
        Correlator: command.correlator,
        Item: command.items.map(itemElement),
      });
    case 'Alert':
      return compose('Alert', {
        CmdID: cmdId,
        NoResp: command.noResp,
        Cred: credElement(command.cred),
        Data: command.code,
        Correlator: command.correlator,
        Item: command.items.map(itemElement),
      });
    case 'Atomic':
    case 'Sequence':
      return compose(
        command.kind,
        { CmdID: cmdId, NoResp: command.noResp, Meta: metaElement(command.meta) },
        command.commands.map(commandToElement),
      );
    case 'Foreign':
      return compose(command.name, { CmdID: cmdId });
  }
}

function syncHdr(hdr: SyncHdr): Element {
  return compose('SyncHdr', {
    VerDTD: hdr.verDtd,
    VerProto: hdr.verProto,
    SessionID: hdr.sessionId,
    MsgID: hdr.msgId,
    Target: locationElement('Target', hdr.target),
    Source: locationElement('Source', hdr.source),
    RespURI: hdr.respUri,
    NoResp: hdr.noResp,
    Cred: credElement(hdr.cred),
    Meta: metaElement(hdr.meta),
  });
}

function itemElement(item: Item): Element {
  return compose('Item', {
    Target: locationElement('Target', item.target),
    Source: locationElement('Source', item.source),
    SourceParent: locationElement('SourceParent', item.sourceParent),
    TargetParent: locationElement('TargetParent', item.targetParent),
    Meta: metaElement(item.meta),
    Data: item.data,
    MoreData: item.moreData,
  });
}

function locationElement(
  name: 'Target' | 'Source' | 'SourceParent' | 'TargetParent',
  location: Location | string | undefined,
): Element | undefined {
  if (location === undefined) return undefined;
  if (typeof location === 'string') return compose(name, { LocURI: location });
  return compose(name, {
    LocURI: location.locUri,
    LocName: location.locName,
    Filter: location.filter && filterElement(location.filter),
  });
}

function filterElement({ meta, field, record, filterType }: Filter): Element {
  return compose('Filter', {
    Meta: metaElement(meta),
    Field: field && compose('Field', { Item: itemElement(field) }),
    Record: record && compose('Record', { Item: itemElement(record) }),
    FilterType: filterType,
  });
}

function credElement(cred: Cred | undefined): Element | undefined {
  return cred && compose('Cred', { Meta: metaElement(cred.meta), Data: cred.data });
}

function metaElement(meta: Meta | undefined): Element | undefined {
  return (
    meta &&
    compose('Meta', {
      'metinf:Format': meta.format,
      'metinf:Type': meta.type,
      'metinf:Mark': meta.mark,
      'metinf:Size': meta.size,
      'metinf:Version': meta.version,
      'metinf:NextNonce': meta.nextNonce,
      'metinf:MaxMsgSize': meta.maxMsgBytes,
      'metinf:MaxObjSize': meta.maxObjBytes,
      'metinf:EMI': meta.emi,
    })
  );
}

/** Content of one child: a text, an element, several of them; `true` is an empty element. */
type Content = Data | number | boolean | Element | readonly (string | Element)[] | undefined;

/** An element with its children in the order of the table; `choices` take the place of the choice of its content model. */
function compose(
  name: ElementName,
  contents: { readonly [N in ElementName]?: Content },
  choices: readonly Element[] = [],
): Element {
  const children: Element[] = [];
  for (const [child, ...others] of elementType(name).particles) {
    if (others.length > 0) children.push(...choices);
    else if (child !== undefined) append(children, child, contents[child]);
  }
  return branch(name, children);
}

function append(children: Element[], name: ElementName, content: Content): void {
  if (content === undefined || content === false) return;
  if (typeof content === 'string' || content instanceof Uint8Array) children.push(leaf(name, content));
  else if (content === true) children.push(leaf(name));
  else if (typeof content === 'number') children.push(leaf(name, String(content)));
  else if ('offset' in content) children.push(content);
  else for (const each of content) children.push(typeof each === 'string' ? leaf(name, each) : each);
}
