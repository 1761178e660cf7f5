import fc from 'fast-check';
import type {
  Command,
  Cred,
  Filter,
  Item,
  Location,
  Message,
  Meta,
  RequestCommand,
  SyncHdr,
} from '../../src/protocol/message/message.ts';

/** Short and long ones, since they are written in different ways. */
const word = fc.string({
  unit: fc.constantFrom('a', '/', ' ', '&', '<', '>', '\r', 'ü', '😀', ']'),
  size: 'medium',
});
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
/** Any command, also one that no peer would send. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
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
/** Any message, also one that no peer would send. */
export const anyMessage: fc.Arbitrary<Message> = fc.record({
  hdr,
  body: fc.array(anyCommand, { maxLength: 4 }),
  final: flag,
});
