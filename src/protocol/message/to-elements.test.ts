import { expect, it } from 'vitest';
import type { Element } from '../element.ts';
import { elementType } from '../elements.ts';
import type { Command, Cred, Item, Meta, RequestCommand, SyncHdr } from './message.ts';
import { messageToElement } from './to-elements.ts';

const META: Meta = {
  format: 'chr',
  type: 'text/plain',
  mark: 'final',
  size: 1,
  nextNonce: 'bm8=',
  version: '1',
  maxMsgBytes: 2,
  maxObjBytes: 3,
  emi: ['a', 'b'],
};
const CRED: Cred = { meta: META, data: 'YTpi' };
const PLAIN: Item = { target: { locUri: './a' }, data: 'x' };
const ITEM: Item = {
  target: { locUri: './a', locName: 'a', filter: { meta: META, field: PLAIN, record: PLAIN, filterType: 'INCLUSIVE' } },
  source: { locUri: './b', locName: 'b' },
  sourceParent: './c',
  targetParent: './d',
  meta: META,
  data: 'x',
  moreData: true,
};
const REQUEST = { noResp: true, cred: CRED, meta: META, items: [ITEM, ITEM] } as const;
const REQUESTS: readonly RequestCommand[] = [
  { kind: 'Add', cmdId: '1', ...REQUEST },
  { kind: 'Replace', cmdId: '2', ...REQUEST },
  { kind: 'Copy', cmdId: '3', ...REQUEST },
  { kind: 'Get', cmdId: '4', ...REQUEST, lang: 'en' },
  { kind: 'Delete', cmdId: '5', ...REQUEST, archive: true, sftDel: true },
  { kind: 'Exec', cmdId: '6', ...REQUEST, correlator: 'c' },
  { kind: 'Alert', cmdId: '7', noResp: true, cred: CRED, code: 1226, correlator: 'c', items: [ITEM] },
  { kind: 'Foreign', cmdId: '8', name: 'Put' },
];
const REFS = { msgRef: '1', cmdRef: '2' };
const BODY: readonly Command[] = [
  {
    kind: 'Status',
    cmdId: '9',
    ...REFS,
    cmd: 'Get',
    targetRefs: ['./a', './b'],
    sourceRefs: ['./c', './d'],
    cred: CRED,
    chal: META,
    code: 200,
    items: [ITEM],
  },
  { kind: 'Results', cmdId: '10', ...REFS, meta: META, targetRef: './a', sourceRef: './b', items: [ITEM] },
  { kind: 'Atomic', cmdId: '11', noResp: true, meta: META, commands: REQUESTS },
  { kind: 'Sequence', cmdId: '12', noResp: true, meta: META, commands: REQUESTS },
];
const HDR: SyncHdr = {
  verDtd: '1.2',
  verProto: 'DM/1.2',
  sessionId: '1',
  msgId: '1',
  target: { locUri: 'urn:t', locName: 't' },
  source: { locUri: 'urn:s', locName: 's' },
  respUri: 'http://r',
  noResp: true,
  cred: CRED,
  meta: META,
};

/** Elements whose children do not stand in the order of the table, or are not in it. */
function disordered({ name, children }: Element): readonly string[] {
  const { particles } = elementType(name);
  const places = children.map((child) => particles.findIndex((names) => names.includes(child.name)));
  const isOrdered = places.every((place, index) => place >= (places[index - 1] ?? 0));
  return [
    ...(isOrdered ? [] : [`${name}: ${children.map((child) => child.name).join(' ')}`]),
    ...children.flatMap(disordered),
  ];
}

it('protocol: writes the children of every element in the order of the DTD, with all that a message can hold', () => {
  const root = messageToElement({ hdr: HDR, body: BODY, final: true });
  expect(disordered(root)).toEqual([]);
});
