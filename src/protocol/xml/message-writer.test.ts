import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  Answer,
  Command,
  Cred,
  Filter,
  Item,
  Location,
  Message,
  Meta,
  RequestCommand,
  SyncHdr,
} from '../message/message.ts';
import { commandToElement, messageToElement } from '../message/to-elements.ts';
import { commandXml, messageXml } from './message-writer.ts';
import { writeXml, xmlOf } from './writer.ts';

const word = fc.string({ unit: fc.constantFrom('a', '/', ' ', '&', '<', '>', '\r', 'ü', '😀', ']') });
const data = fc.oneof(word, fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 9 }));
const number = fc.nat({ max: 9_999 });
const flag = fc.boolean();
const id = fc.constantFrom('1', '2', '17');

/** Any of the values may be missing. */
function some<T>(values: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

const meta: fc.Arbitrary<Meta> = some({
  format: fc.constantFrom('chr', 'b64', 'bin'),
  type: word,
  mark: word,
  size: number,
  nextNonce: word,
  version: word,
  maxMsgBytes: number,
  maxObjBytes: number,
  emi: fc.array(word, { maxLength: 2 }),
});
const cred: fc.Arbitrary<Cred> = fc.record({ meta, data: word });
const plain: fc.Arbitrary<Item> = some({ meta, data });
const filter: fc.Arbitrary<Filter> = some({ meta, field: plain, record: plain, filterType: word });
const location: fc.Arbitrary<Location> = fc.record({
  locUri: word,
  locName: fc.option(word, { nil: undefined }),
  filter,
});
const item: fc.Arbitrary<Item> = some({
  target: location,
  source: location,
  sourceParent: word,
  targetParent: word,
  meta,
  data,
  moreData: flag,
});
const items = fc.array(item, { maxLength: 2 });
const refs = fc.array(word, { maxLength: 2 });
const request = some({ noResp: flag, cred, meta });

const leafRequest: fc.Arbitrary<RequestCommand> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('Add', 'Replace', 'Copy', 'Get', 'Delete'),
      request,
      some({ lang: word, archive: flag }),
      items,
    )
    .map(([kind, base, extra, own]): RequestCommand => ({ kind, cmdId: '1', ...base, ...extra, items: own })),
  fc.record({ kind: fc.constant('Exec'), cmdId: id, cred, correlator: word, items }),
  fc.record({ kind: fc.constant('Alert'), cmdId: id, code: number, correlator: word, items }),
  fc.record({ kind: fc.constant('Foreign'), name: fc.constantFrom('Put', 'Sync'), cmdId: id }),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  leafRequest,
  fc.record({ kind: fc.constantFrom('Atomic', 'Sequence'), cmdId: id, meta, commands: fc.array(leafRequest) }),
  fc.record({
    kind: fc.constant('Status'),
    cmdId: id,
    msgRef: id,
    cmdRef: id,
    cmd: word,
    targetRefs: refs,
    sourceRefs: refs,
    chal: meta,
    code: number,
    items,
  }),
  fc.record({ kind: fc.constant('Results'), cmdId: id, cmdRef: id, meta, targetRef: word, items }),
);
const hdr: fc.Arbitrary<SyncHdr> = fc.record({
  verDtd: fc.constantFrom('1.0', '1.1', '1.2', 'x'),
  verProto: word,
  sessionId: word,
  msgId: word,
  target: location,
  source: location,
  respUri: word,
  noResp: flag,
  cred,
  meta,
});
const message: fc.Arbitrary<Message> = fc.record({ hdr, body: fc.array(command, { maxLength: 4 }), final: flag });

/** What comes of it, a refusal included. */
function outcomeOf(write: () => string): unknown {
  try {
    return write();
  } catch (error) {
    return error;
  }
}

describe('a message as XML', () => {
  it('writer: writes what it would write of the element tree', () => {
    fc.assert(
      fc.property(message, (any) => {
        expect(outcomeOf(() => messageXml(any))).toEqual(outcomeOf(() => writeXml([messageToElement(any)])));
      }),
    );
  });

  it('writer: writes a command as it stands in a message', () => {
    fc.assert(
      fc.property(command, (any) => {
        expect(outcomeOf(() => commandXml(any))).toEqual(outcomeOf(() => xmlOf(commandToElement(any), 0)));
      }),
    );
  });

  it('writer: writes an answer under the ids that it is given', () => {
    const answer: Answer = {
      kind: 'Status',
      cmdRef: '3',
      cmd: 'Get',
      targetRefs: ['./a & b'],
      sourceRefs: [],
      code: 200,
      items: [],
    };
    expect(commandXml(answer, { cmdId: '7', msgRef: '1' })).toBe(
      '<Status><CmdID>7</CmdID><MsgRef>1</MsgRef><CmdRef>3</CmdRef><Cmd>Get</Cmd><TargetRef>./a &amp; b</TargetRef><Data>200</Data></Status>',
    );
  });
});
