import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { decodeFile, encodeFile } from '../../src/protocol/codec.ts';
import { toJson } from '../../src/protocol/element.ts';
import { ddfOf, describedType, type NodeDescription, type Occurrence } from '../../src/tree/description.ts';
import { formatLocUri } from '../../src/tree/loc-uri.ts';
import { type DescribedObject, DEVICE_OBJECTS, GATEWAY_OBJECTS } from './described-objects.ts';

const PAGE = fileURLToPath(new URL('../../docs/management-objects.md', import.meta.url));
const INTRODUCTION = `# Management objects

What stands in the trees of this product. The tables are those that the code answers from; a test compares this page with
them, and \`npx vitest run -u test/tree/management-objects.test.ts\` writes it anew. \`<x>\` stands for any name. Occurrence
counts below the parent; _permanent_ nodes are never deleted or renamed. Add stands at the node that can be added.

Every node has the properties ACL, Format, Name and Type, and a leaf has Size. The gateway also keeps Title, TStamp and
VerNo of what DM Servers write: TStamp and VerNo count changes of a value, and of the names below an interior node. A node that
servers can change and none has changed yet has VerNo 0 and an empty TStamp; one that none can change, as in the
results of a run, answers 406.
`;

const OCCURRENCES: Readonly<Record<Exclude<Occurrence, number>, string>> = {
  One: '1',
  ZeroOrOne: '0-1',
  ZeroOrMore: '0+',
  OneOrMore: '1+',
};

function section({ name, root, nodes }: DescribedObject): string {
  const rows = Object.entries(nodes).map(([path, row]) => rowOf([formatLocUri(root), path].join('/'), row));
  return [
    `### ${name}`,
    '',
    '| node | occ. | format | type | access | scope |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function rowOf(path: string, row: NodeDescription): string {
  const node = path.replace(/\/$/, '').replaceAll('*', '<x>');
  const { occurrence, access } = row;
  const isPermanent = row.permanent ?? !path.includes('*');
  const cells = [
    `\`${node}\``,
    typeof occurrence === 'number' ? `0-${occurrence}` : OCCURRENCES[occurrence],
    row.format,
    describedType(row),
    access.toSorted().join(' '),
    isPermanent ? 'permanent' : 'dynamic',
  ];
  return `| ${cells.map((cell) => (cell === '' ? '-' : cell)).join(' | ')} |`;
}

const ALL = [
  ...GATEWAY_OBJECTS.map((object) => ['gateway', object.name, object] as const),
  ...DEVICE_OBJECTS.map((object) => ['device', object.name, object] as const),
];

describe('management objects', () => {
  it('reader: finds on the page what the tables hold', async () => {
    const page = [
      INTRODUCTION,
      '## Gateway\n',
      ...GATEWAY_OBJECTS.map(section),
      '## Simulated device\n',
      ...DEVICE_OBJECTS.map(section),
    ].join('\n');
    const options = { parser: 'markdown', printWidth: 120, singleQuote: true, trailingComma: 'all' } as const;
    await expect(await format(page, options)).toMatchFileSnapshot(PAGE);
  });

  it.each(ALL)('%s: has a DDF of %s that both codecs read back', (_, __, { root, nodes }) => {
    const ddf = ddfOf(root, nodes);
    for (const form of [{ encoding: 'xml' }, { encoding: 'wbxml', version: 3 }] as const) {
      expect(decodeFile(encodeFile([ddf], form)).elements.map(toJson)).toEqual([toJson(ddf)]);
    }
    const xml = Buffer.from(encodeFile([ddf], { encoding: 'xml' })).toString();
    expect(xml.split('<Node>')).toHaveLength(Object.keys(nodes).length + 1);
  });

  it.each(ALL)('%s: has a row above every row of %s, and Types that fit', (_, __, { nodes }) => {
    for (const [path, row] of Object.entries(nodes)) {
      const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
      expect(nodes[parent], `row above ${path}`).toMatchObject({ format: 'node' });
      expect(describedType(row)).toMatch(row.format === 'node' ? /^(urn:oma:mo:.*)?$/ : /^[a-z]+\/[a-z.-]+$/);
    }
  });

  it('reader: sees in a DDF what a row says', () => {
    const ddf = ddfOf(['A', 'B'], {
      '': { format: 'node', type: 'urn:oma:mo:x:1.0', access: ['Get'], occurrence: 'One' },
      '*': { format: 'node', access: ['Add', 'Get'], occurrence: 4 },
      '*/Leaf': { format: 'int', access: ['Replace', 'Get'], occurrence: 'ZeroOrOne' },
    });
    const properties = (access: string, format: string, occurrence: string, scope: string, type: string) =>
      `<DFProperties><AccessType>${access}</AccessType><DFFormat><${format}/></DFFormat>` +
      `<Occurrence>${occurrence}</Occurrence><Scope><${scope}/></Scope><DFType>${type}</DFType></DFProperties>`;
    expect(Buffer.from(encodeFile([ddf], { encoding: 'xml' })).toString()).toBe(
      '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>B</NodeName><Path>./A</Path>' +
        properties('<Get/>', 'node', '<One/>', 'Permanent', '<DDFName>urn:oma:mo:x:1.0</DDFName>') +
        '<Node><NodeName/>' +
        properties('<Add/><Get/>', 'node', '<ZeroOrN>4</ZeroOrN>', 'Dynamic', '<DDFName/>') +
        '<Node><NodeName>Leaf</NodeName>' +
        properties('<Get/><Replace/>', 'int', '<ZeroOrOne/>', 'Dynamic', '<MIME>text/plain</MIME>') +
        '</Node></Node></Node></MgmtTree>',
    );
  });
});
