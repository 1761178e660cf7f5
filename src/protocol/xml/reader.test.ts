import { describe, expect, it } from 'vitest';
import { childOf, type Element, toJson } from '../element.ts';
import { DecodeError } from '../errors.ts';
import { DEFAULT_LIMITS, type DecodeMode } from '../limits.ts';
import { readXml } from './reader.ts';

const read = (xml: string | Uint8Array, mode: DecodeMode = 'wire', limits = DEFAULT_LIMITS): readonly Element[] =>
  readXml(typeof xml === 'string' ? Buffer.from(xml) : xml, mode, limits);

const json = (xml: string | Uint8Array, mode: DecodeMode = 'wire'): unknown => read(xml, mode).map(toJson);

function refusal(xml: string | Uint8Array, mode: DecodeMode = 'wire', limits = DEFAULT_LIMITS): DecodeError {
  try {
    read(xml, mode, limits);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('XML reader: what peers send', () => {
  const get = [{ Get: [{ CmdID: '1' }, { Meta: [{ 'metinf:Type': 'a/b' }] }] }];

  it.each([
    ['no namespace', '<Get><CmdID>1</CmdID><Meta><Type>a/b</Type></Meta></Get>'],
    [
      'SyncML 1.2',
      '<Get xmlns="SYNCML:SYNCML1.2"><CmdID>1</CmdID><Meta><Type xmlns="syncml:metinf">a/b</Type></Meta></Get>',
    ],
    ['SyncML 1.1', "<Get xmlns='SYNCML:SYNCML1.1'><CmdID>1</CmdID><Meta><Type>a/b</Type></Meta></Get>"],
    ['metinf on Meta', '<Get><CmdID>1</CmdID><Meta xmlns="syncml:metinf"><Type>a/b</Type></Meta></Get>'],
    [
      'prefixes',
      '<s:Get xmlns:s="SYNCML:SYNCML1.2" xmlns:m="syncml:metinf"><s:CmdID>1</s:CmdID><s:Meta><m:Type>a/b</m:Type></s:Meta></s:Get>',
    ],
    ['white space in tags', '<Get ><CmdID\n>1</CmdID ><Meta  a="1"\tb=\'>\'><Type>a/b</Type></Meta></Get\r\n>'],
    ['white space around text', '<Get>\r\n <CmdID> 1\r\n</CmdID> <Meta>\t<Type>\ta/b </Type></Meta></Get>\n'],
    [
      'declaration and comments',
      '\uFEFF<?xml version="1.0" encoding="utf-8"?><!-- - --><Get><CmdID><!--x-->1<?p?></CmdID><Meta><Type>a/b</Type></Meta></Get>',
    ],
    ['references and CDATA', '<Get><CmdID>&#x31;</CmdID><Meta><Type>a<![CDATA[/]]>&#98;</Type></Meta></Get>'],
    [
      'names beyond ASCII in Meta',
      '<Get><CmdID>1</CmdID><Meta xmlns:ü="urn:\u20ac"><Type>a/b</Type><ü:größe é="×" ü:é=""><日本/></ü:größe></Meta></Get>',
    ],
    [
      'vendor elements in Meta',
      '<Get><CmdID>1</CmdID><Meta><Type>a/b</Type><Own><Deep>1</Deep></Own><Own/></Meta></Get>',
    ],
  ])('understands %s', (_what, xml) => {
    expect(json(xml)).toEqual(get);
  });

  it('tells elements of the same name apart by where they stand', () => {
    const xml =
      '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>a</NodeName><RTProperties><Format><node/></Format><Type><DDFName/></Type></RTProperties></Node></MgmtTree>';
    expect(json(xml)).toEqual([
      {
        'ddf:MgmtTree': [
          { 'ddf:VerDTD': '1.2' },
          {
            'ddf:Node': [
              { 'ddf:NodeName': 'a' },
              { 'ddf:RTProperties': [{ 'ddf:Format': [{ 'ddf:node': '' }] }, { 'ddf:Type': [{ 'ddf:DDFName': '' }] }] },
            ],
          },
        ],
      },
    ]);
  });

  it.each([
    ['escaped', '<Data> &lt;a/>&amp;</Data>', ' <a/>&'],
    ['CDATA', '<Data><![CDATA[<a>&amp;]]></Data>', '<a>&amp;'],
    [
      'markup',
      '<Data>\r\n <a b="&amp;">&lt;<b/><!-- c --></a> x\n</Data>',
      '\n <a b="&amp;">&lt;<b/><!-- c --></a> x\n',
    ],
    ['a carriage return', '<Data>a\r\nb\rc&#13;</Data>', 'a\nb\nc\r'],
    ['a NUL before the end tag', '<Data>a/b\0</Data>', 'a/b'],
    ['nothing', '<Data/>', ''],
    ['elements of SyncML', '<Data><Final/>\n<x/></Data>', '<Final/>\n<x/>'],
  ])('keeps Data with %s', (_what, xml, text) => {
    expect(read(xml)[0]?.text).toBe(text);
  });

  it('takes bare text in Target for its LocURI', () => {
    expect(json('<Target> gw1 </Target>')).toEqual([{ Target: 'gw1' }]);
  });

  const HS20_STATUS = '<Status><Data>200</Data><Cmd>SyncHdr</Cmd><MsgRef>1</MsgRef><CmdID>2</CmdID></Status>';

  // Each of them was seen in the wild: see the notes on real clients and on the corpus.
  it.each([
    ['a Format with a capital', '<Meta><Format>Chr</Format></Meta>', [{ Meta: [{ 'metinf:Format': 'Chr' }] }]],
    ['an empty TargetRef', '<TargetRef/>', [{ TargetRef: '' }]],
    ['white space around a LocURI', '<LocURI>\r\n ./A \t</LocURI>', [{ LocURI: './A' }]],
    ['a header that is empty', '<SyncML><SyncHdr/></SyncML>', [{ SyncML: [{ SyncHdr: '' }] }]],
    ['no header and no Final', '<SyncML><SyncBody/></SyncML>', [{ SyncML: [{ SyncBody: '' }] }]],
    [
      'the namespace of 1.1 with VerDTD 1.2',
      "<SyncML xmlns='SYNCML:SYNCML1.1'><SyncHdr><VerDTD>1.2</VerDTD></SyncHdr></SyncML>",
      [{ SyncML: [{ SyncHdr: [{ VerDTD: '1.2' }] }] }],
    ],
    [
      'elements out of order and no CmdRef',
      HS20_STATUS,
      [{ Status: [{ Data: '200' }, { Cmd: 'SyncHdr' }, { MsgRef: '1' }, { CmdID: '2' }] }],
    ],
    [
      'metinf on Meta and again on a child',
      '<Meta xmlns="syncml:metinf"><Type xmlns="syncml:metinf">a/b</Type></Meta>',
      [{ Meta: [{ 'metinf:Type': 'a/b' }] }],
    ],
  ])('accepts %s', (_what, xml, expected) => {
    expect(json(xml)).toEqual(expected);
    expect(json(xml, 'file')).toEqual(expected);
  });

  it('reads DevInf as a document of its own', () => {
    const xml =
      '<d:DevInf xmlns:d="syncml:devinf"><d:VerDTD>1.1</d:VerDTD><d:DSMem><d:SharedMem/></d:DSMem><d:CTCap><d:Size>1</d:Size></d:CTCap></d:DevInf>';
    expect(json(xml)).toEqual([
      {
        'devinf:DevInf': [
          { 'devinf:VerDTD': '1.1' },
          { 'devinf:DSMem': [{ 'devinf:SharedMem': '' }] },
          { 'devinf:CTCap': [{ 'devinf:Size': '1' }] },
        ],
      },
    ]);
    expect(refusal('<Item><CTCap/></Item>').code).toBe('XML_ELEMENT');
    expect(refusal('<DevInf><CmdID/></DevInf>').code).toBe('XML_ELEMENT');
  });

  it('knows the byte offset of each element', () => {
    const [item] = read('\uFEFF<Item><Data>größe</Data><MoreData/></Item>');
    expect(item?.offset).toBe(3);
    expect(item && childOf(item, 'MoreData')?.offset).toBe(29);
  });
});

describe('XML reader: files', () => {
  it.each([
    ['several roots', '<Final/> <Final/>', [{ Final: '' }, { Final: '' }]],
    ['a prefix that is not declared', '<x:Final/>', [{ Final: '' }]],
    ['a DOCTYPE', '<!DOCTYPE SyncML PUBLIC "a" "b" [<!-- > -->]><Final/>', [{ Final: '' }]],
    ['an ellipsis', '<SyncHdr>…</SyncHdr>', [{ SyncHdr: '' }]],
    ['no-break spaces', '<Target>\u00a0<LocURI>a</LocURI></Target>\u00a0', [{ Target: [{ LocURI: 'a' }] }]],
    ['names in the wrong case', '<add/>', [{ Add: '' }]],
    ['CDATA between roots', '<Final/><![CDATA[ ]]>', [{ Final: '' }]],
    [
      'extensions of a DDF',
      '<DFProperties xmlns="syncml:dmddf1.2"><AccessType><Get/><Set/></AccessType><m:Own xmlns:m="urn:m">1</m:Own></DFProperties>',
      [{ 'ddf:DFProperties': [{ 'ddf:AccessType': [{ 'ddf:Get': '' }] }] }],
    ],
  ])('may have %s, messages may not', (_what, xml, expected) => {
    expect(json(xml, 'file')).toEqual(expected);
    expect(refusal(xml).code).toMatch(/^XML_/);
  });

  it('may not declare entities', () => {
    expect(refusal('<!DOCTYPE a [<!ENTITY b "c">]><Final/>', 'file').code).toBe('XML_DOCTYPE');
  });
});

describe('XML reader: refusals', () => {
  it.each([
    ['XML_ROOT', '', '1:1'],
    ['XML_ROOT', '<Final/><Final/>', '1:9'],
    ['XML_CONTENT', 'x', '1:1'],
    ['XML_CONTENT', '<Final/>x', '1:9'],
    ['XML_CONTENT', '<SyncBody>x</SyncBody>', '1:11'],
    ['XML_CONTENT', '<Final>x</Final>', '1:8'],
    ['XML_CONTENT', '<Final><CmdID/></Final>', '1:8'],
    ['XML_CONTENT', '<LocURI>a<b/></LocURI>', '1:10'],
    ['XML_CONTENT', '<Target>a<LocURI>b</LocURI></Target>', '1:10'],
    ['XML_ELEMENT', '<SyncBody>\n <Foo/></SyncBody>', '2:2'],
    ['XML_ELEMENT', '<add/>', '1:1'],
    ['XML_NAMESPACE', '<x:Final/>', '1:1'],
    ['XML_NAMESPACE', '<Final x:a="1"/>', '1:1'],
    ['XML_NAMESPACE', '<Data><x:a/></Data>', '1:7'],
    ['XML_NAMESPACE', '<Final xmlns:a=""/>', '1:1'],
    ['XML_NAMESPACE', '<Final xmlns:xml="urn:a"/>', '1:1'],
    ['XML_NAMESPACE', '<Final xmlns:xmlns="urn:a"/>', '1:1'],
    ['XML_NAMESPACE', '<Final xmlns="http://www.w3.org/2000/xmlns/"/>', '1:1'],
    ['XML_NAMESPACE', '<Final xmlns:a="urn:a" xmlns:b="urn:a" a:x="" b:x=""/>', '1:1'],
    ['XML_DOCTYPE', '<!DOCTYPE SyncML><Final/>', '1:1'],
    ['XML_SYNTAX', '<Final/><!DOCTYPE SyncML>', '1:9'],
    ['XML_SYNTAX', '<Final a="1" a="2"/>', '1:1'],
    ['XML_SYNTAX', '<Final a=1/>', '1:7'],
    ['XML_SYNTAX', '<Final a="<"/>', '1:7'],
    ['XML_SYNTAX', '<Item></Items>', '1:7'],
    ['XML_SYNTAX', '</Item>', '1:1'],
    ['XML_SYNTAX', '< Item/>', '1:1'],
    ['XML_SYNTAX', '<!-- a -- b --><Final/>', '1:8'],
    ['XML_SYNTAX', '<Data>]]></Data>', '1:7'],
    ['XML_SYNTAX', '<Data><a>]]></a></Data>', '1:10'],
    ['XML_SYNTAX', '<Data><a></b></Data>', '1:10'],
    ['XML_SYNTAX', '<Data><!DOCTYPE a></Data>', '1:7'],
    ['XML_SYNTAX', ' <?xml version="1.0"?><Final/>', '1:2'],
    ['XML_SYNTAX', '<?xml encoding="utf-8"?><Final/>', '1:1'],
    ['XML_SYNTAX', '<?xml version="1.0" encoding="utf-8\'?><Final/>', '1:1'],
    ['XML_SYNTAX', '<?1?><Final/>', '1:1'],
    ['XML_SYNTAX', '<?a:b?><Final/>', '1:1'],
    ['XML_SYNTAX', '<Data><a\u00d7/></Data>', '1:9'],
    ['XML_CONTENT', '<Final/>&#32;', '1:9'],
    ['XML_CONTENT', '<Final/><![CDATA[ ]]>', '1:9'],
    ['XML_SYNTAX', '<![IGNORE[]]>', '1:1'],
    ['XML_REFERENCE', '<Data>a & b</Data>', '1:9'],
    ['XML_REFERENCE', '<Data>&nbsp;</Data>', '1:7'],
    ['XML_REFERENCE', '<Data>&#0;</Data>', '1:7'],
    ['XML_REFERENCE', '<Data>&#X41;</Data>', '1:7'],
    ['XML_REFERENCE', '<Data>&#x1F;</Data>', '1:7'],
    ['XML_REFERENCE', '<Data>&#xD800;</Data>', '1:7'],
    ['XML_REFERENCE', '<Data>&#x110000;</Data>', '1:7'],
    ['XML_REFERENCE', '<Final a="&b;"/>', '1:11'],
    ['XML_SYNTAX', '<Data><é a="" a\u00d7=""/></Data>', '1:14'],
    ['XML_SYNTAX', '<Data><\u00d7/></Data>', '1:7'],
    ['XML_SYNTAX', '<Data><é></ê></Data>', '1:10'],
    ['XML_CHARACTER', '<Data>\u0001</Data>', '1:7'],
    ['XML_CHARACTER', '<Data>😀é\ufffe</Data>', '1:10'],
    ['XML_REFERENCE', '<Data>ü\n€ &uuml; ü</Data>', '2:3'],
    ['XML_SYNTAX', '<Data>ü ]]> &amp;</Data>', '1:9'],
    ['XML_CHARACTER', '<LocURI>a\0</LocURI>', '1:10'],
    ['XML_CHARACTER', '<Data>\0a</Data>', '1:7'],
    ['XML_CHARACTER', '<Data>\uffff</Data>', '1:7'],
    ['XML_ENCODING', '<?xml version="1.0" encoding="iso-8859-1"?><Final/>', '1:1'],
    ['XML_TRUNCATED', '<SyncBody><Final/>', '1:19'],
    ['XML_TRUNCATED', '<Data>abc', '1:10'],
    ['XML_TRUNCATED', '<Data><![CDATA[abc', '1:19'],
    ['XML_TRUNCATED', '<Item', '1:6'],
  ])('%s for %s', (code, xml, place) => {
    const error = refusal(xml);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(new RegExp(` at ${place}$`));
    expect(error.message).not.toContain('\n');
  });

  it.each([
    ['UTF-16 with a mark', Buffer.from('\uFEFF<Final/>', 'utf16le'), 0],
    ['UTF-16 without', Buffer.from('<Final/>', 'utf16le'), 0],
    ['Latin-1', Buffer.concat([Buffer.from('<Data>ö\ufffd'), Buffer.from([0xf6]), Buffer.from('</Data>')]), 11],
  ])('of %s', (_what, bytes, offset) => {
    expect(refusal(bytes)).toMatchObject({ code: 'XML_ENCODING', offset });
  });

  it('of more than the limits allow', () => {
    const xml = '<Item><Meta><Type/></Meta></Item>';
    expect(refusal(xml, 'wire', { ...DEFAULT_LIMITS, maxBytes: 20 }).code).toBe('XML_LIMIT');
    expect(refusal(xml, 'wire', { ...DEFAULT_LIMITS, maxElements: 2 }).code).toBe('XML_LIMIT');
    expect(refusal(xml, 'wire', { ...DEFAULT_LIMITS, maxDepth: 1 }).code).toBe('XML_LIMIT');
    expect(refusal(`<Data>${'<a>'.repeat(40)}`).code).toBe('XML_LIMIT');
    const attributes = Array.from({ length: 70 }, (_, index) => ` a${index}=""`).join('');
    expect(refusal(`<Final${attributes}/>`).code).toBe('XML_LIMIT');
  });
});
