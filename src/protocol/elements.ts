import { DmError } from './errors.ts';
import type { DecodeMode } from './limits.ts';

/**
 * Every element of DM messages, of management tree documents and of DevInf: name, page and token, content model.
 * Both codecs and the order in which elements are written come from this table and nothing else. [REPPRO 5, METINF 5, TND]
 */

/** 0 SyncML, 1 MetInf, 2 management tree (DDF and TNDS): the WBXML code pages of a message. 3 DevInf, a document of its own. */
export type Page = 0 | 1 | 2 | 3;

/** Version of a document type. */
export type DtdVersion = '1.0' | '1.1' | '1.2';

interface Row {
  /** With a prefix where the page is not 0: names repeat between pages. */
  readonly name: string;
  readonly page: Page;
  readonly token: number;
  /** The last version of the DTD that has it; the token means something else in the next one. */
  readonly until?: DtdVersion;
  /**
   * Children in the order of the DTD; `?` optional, `*` any number, `+` one or more, `(a|b)` a choice. `#text` is a leaf,
   * `#data` a leaf whose blanks count and which may hold markup or octets, nothing an element that is always empty.
   * `#text?` before children: some peers write the text of the first child without its tags.
   */
  readonly children: string;
}

const COMMANDS =
  '(Alert|Atomic|Copy|Exec|Get|Map|Put|Results|Search|Sequence|Status|Sync|Add|Move|Replace|Delete)' as const;
const DDF_FORMATS =
  '(ddf:b64|ddf:bin|ddf:bool|ddf:chr|ddf:int|ddf:node|ddf:null|ddf:xml|ddf:date|ddf:time|ddf:float)' as const;

const SYNCML = [
  { name: 'Add', page: 0, token: 0x05, children: 'CmdID NoResp? Cred? Meta? Item+' },
  { name: 'Alert', page: 0, token: 0x06, children: 'CmdID NoResp? Cred? Data? Correlator? Item*' },
  { name: 'Archive', page: 0, token: 0x07, children: '' },
  { name: 'Atomic', page: 0, token: 0x08, children: `CmdID NoResp? Meta? ${COMMANDS}+` },
  { name: 'Chal', page: 0, token: 0x09, children: 'Meta' },
  { name: 'Cmd', page: 0, token: 0x0a, children: '#text' },
  { name: 'CmdID', page: 0, token: 0x0b, children: '#text' },
  { name: 'CmdRef', page: 0, token: 0x0c, children: '#text' },
  { name: 'Copy', page: 0, token: 0x0d, children: 'CmdID NoResp? Cred? Meta? Item+' },
  { name: 'Cred', page: 0, token: 0x0e, children: 'Meta? Data' },
  { name: 'Data', page: 0, token: 0x0f, children: '#data' },
  { name: 'Delete', page: 0, token: 0x10, children: 'CmdID NoResp? Archive? SftDel? Cred? Meta? Item+' },
  { name: 'Exec', page: 0, token: 0x11, children: 'CmdID NoResp? Cred? Meta? Correlator? Item+' },
  { name: 'Final', page: 0, token: 0x12, children: '' },
  { name: 'Get', page: 0, token: 0x13, children: 'CmdID NoResp? Lang? Cred? Meta? Item+' },
  { name: 'Item', page: 0, token: 0x14, children: 'Target? Source? SourceParent? TargetParent? Meta? Data? MoreData?' },
  { name: 'Lang', page: 0, token: 0x15, children: '#text' },
  { name: 'LocName', page: 0, token: 0x16, children: '#text' },
  { name: 'LocURI', page: 0, token: 0x17, children: '#text' },
  { name: 'Map', page: 0, token: 0x18, children: 'CmdID Target Source Cred? Meta? MapItem+' },
  { name: 'MapItem', page: 0, token: 0x19, children: 'Target Source' },
  {
    name: 'Meta',
    page: 0,
    token: 0x1a,
    children:
      'metinf:Format? metinf:Type? metinf:Mark? metinf:Size? metinf:Anchor? metinf:Version? metinf:NextNonce? metinf:MaxMsgSize? metinf:MaxObjSize? metinf:EMI* metinf:Mem? metinf:FieldLevel? metinf:MetInf?',
  },
  { name: 'MsgID', page: 0, token: 0x1b, children: '#text' },
  { name: 'MsgRef', page: 0, token: 0x1c, children: '#text' },
  { name: 'NoResp', page: 0, token: 0x1d, children: '' },
  { name: 'NoResults', page: 0, token: 0x1e, children: '' },
  { name: 'Put', page: 0, token: 0x1f, children: 'CmdID NoResp? Lang? Cred? Meta? Item+' },
  { name: 'Replace', page: 0, token: 0x20, children: 'CmdID NoResp? Cred? Meta? Item+' },
  { name: 'RespURI', page: 0, token: 0x21, children: '#text' },
  { name: 'Results', page: 0, token: 0x22, children: 'CmdID MsgRef? CmdRef Meta? TargetRef? SourceRef? Item+' },
  { name: 'Search', page: 0, token: 0x23, children: 'CmdID NoResp? NoResults? Cred? Target? Source* Lang? Meta Data' },
  { name: 'Sequence', page: 0, token: 0x24, children: `CmdID NoResp? Meta? ${COMMANDS}+` },
  { name: 'SessionID', page: 0, token: 0x25, children: '#text' },
  { name: 'SftDel', page: 0, token: 0x26, children: '' },
  { name: 'Source', page: 0, token: 0x27, children: '#text? LocURI LocName?' },
  { name: 'SourceRef', page: 0, token: 0x28, children: '#text' },
  {
    name: 'Status',
    page: 0,
    token: 0x29,
    children: 'CmdID MsgRef CmdRef Cmd TargetRef* SourceRef* Cred? Chal? Data? Item*',
  },
  {
    name: 'Sync',
    page: 0,
    token: 0x2a,
    children: `CmdID NoResp? Cred? Target? Source? Meta? NumberOfChanges? ${COMMANDS}*`,
  },
  { name: 'SyncBody', page: 0, token: 0x2b, children: `${COMMANDS}+ Final?` },
  {
    name: 'SyncHdr',
    page: 0,
    token: 0x2c,
    children: 'VerDTD VerProto SessionID MsgID Target Source RespURI? NoResp? Cred? Meta?',
  },
  { name: 'SyncML', page: 0, token: 0x2d, children: 'SyncHdr SyncBody' },
  { name: 'Target', page: 0, token: 0x2e, children: '#text? LocURI LocName? Filter?' },
  { name: 'TargetRef', page: 0, token: 0x2f, children: '#text' },
  { name: 'VerDTD', page: 0, token: 0x31, children: '#text' },
  { name: 'VerProto', page: 0, token: 0x32, children: '#text' },
  { name: 'NumberOfChanges', page: 0, token: 0x33, children: '#text' },
  { name: 'MoreData', page: 0, token: 0x34, children: '' },
  { name: 'Field', page: 0, token: 0x35, children: 'Item' },
  { name: 'Filter', page: 0, token: 0x36, children: 'Meta? Field? Record? FilterType?' },
  { name: 'Record', page: 0, token: 0x37, children: 'Item' },
  { name: 'FilterType', page: 0, token: 0x38, children: '#text' },
  { name: 'SourceParent', page: 0, token: 0x39, children: 'LocURI' },
  { name: 'TargetParent', page: 0, token: 0x3a, children: 'LocURI' },
  { name: 'Move', page: 0, token: 0x3b, children: 'CmdID NoResp? Cred? Meta? Item+' },
  { name: 'Correlator', page: 0, token: 0x3c, children: '#text' },
] as const satisfies readonly Row[];

const METINF = [
  { name: 'metinf:Anchor', page: 1, token: 0x05, children: 'metinf:Last? metinf:Next' },
  { name: 'metinf:EMI', page: 1, token: 0x06, children: '#text' },
  { name: 'metinf:Format', page: 1, token: 0x07, children: '#text' },
  { name: 'metinf:FreeID', page: 1, token: 0x08, children: '#text' },
  { name: 'metinf:FreeMem', page: 1, token: 0x09, children: '#text' },
  { name: 'metinf:Last', page: 1, token: 0x0a, children: '#text' },
  { name: 'metinf:Mark', page: 1, token: 0x0b, children: '#text' },
  { name: 'metinf:MaxMsgSize', page: 1, token: 0x0c, children: '#text' },
  { name: 'metinf:Mem', page: 1, token: 0x0d, children: 'metinf:SharedMem? metinf:FreeMem metinf:FreeID' },
  {
    name: 'metinf:MetInf',
    page: 1,
    token: 0x0e,
    children:
      'metinf:Format? metinf:Type? metinf:Mark? metinf:Size? metinf:Anchor? metinf:Version? metinf:NextNonce? metinf:MaxMsgSize? metinf:MaxObjSize? metinf:EMI* metinf:Mem? metinf:FieldLevel?',
  },
  { name: 'metinf:Next', page: 1, token: 0x0f, children: '#text' },
  { name: 'metinf:NextNonce', page: 1, token: 0x10, children: '#text' },
  { name: 'metinf:SharedMem', page: 1, token: 0x11, children: '' },
  { name: 'metinf:Size', page: 1, token: 0x12, children: '#text' },
  { name: 'metinf:Type', page: 1, token: 0x13, children: '#text' },
  { name: 'metinf:Version', page: 1, token: 0x14, children: '#text' },
  { name: 'metinf:MaxObjSize', page: 1, token: 0x15, children: '#text' },
  { name: 'metinf:FieldLevel', page: 1, token: 0x16, children: '' },
] as const satisfies readonly Row[];

const DDF = [
  {
    name: 'ddf:AccessType',
    page: 2,
    token: 0x05,
    children: 'ddf:Add? ddf:Copy? ddf:Delete? ddf:Exec? ddf:Get? ddf:Replace?',
  },
  { name: 'ddf:ACL', page: 2, token: 0x06, children: '#text' },
  { name: 'ddf:Add', page: 2, token: 0x07, children: '' },
  { name: 'ddf:b64', page: 2, token: 0x08, children: '' },
  { name: 'ddf:bin', page: 2, token: 0x09, children: '' },
  { name: 'ddf:bool', page: 2, token: 0x0a, children: '' },
  { name: 'ddf:chr', page: 2, token: 0x0b, children: '' },
  { name: 'ddf:CaseSense', page: 2, token: 0x0c, children: '(ddf:CS|ddf:CIS)' },
  { name: 'ddf:CIS', page: 2, token: 0x0d, children: '' },
  { name: 'ddf:Copy', page: 2, token: 0x0e, children: '' },
  { name: 'ddf:CS', page: 2, token: 0x0f, children: '' },
  { name: 'ddf:date', page: 2, token: 0x10, children: '' },
  { name: 'ddf:DDFName', page: 2, token: 0x11, children: '#text' },
  { name: 'ddf:DefaultValue', page: 2, token: 0x12, children: '#text' },
  { name: 'ddf:Delete', page: 2, token: 0x13, children: '' },
  { name: 'ddf:Description', page: 2, token: 0x14, children: '#data' },
  { name: 'ddf:DFFormat', page: 2, token: 0x15, children: DDF_FORMATS },
  {
    name: 'ddf:DFProperties',
    page: 2,
    token: 0x16,
    children:
      'ddf:AccessType ddf:DefaultValue? ddf:Description? ddf:DFFormat ddf:Occurrence? ddf:Scope? ddf:DFTitle? ddf:DFType ddf:CaseSense?',
  },
  { name: 'ddf:DFTitle', page: 2, token: 0x17, children: '#text' },
  { name: 'ddf:DFType', page: 2, token: 0x18, children: '#text? (ddf:MIME|ddf:DDFName)+' },
  { name: 'ddf:Dynamic', page: 2, token: 0x19, children: '' },
  { name: 'ddf:Exec', page: 2, token: 0x1a, children: '' },
  { name: 'ddf:float', page: 2, token: 0x1b, children: '' },
  { name: 'ddf:Format', page: 2, token: 0x1c, children: DDF_FORMATS },
  { name: 'ddf:Get', page: 2, token: 0x1d, children: '' },
  { name: 'ddf:int', page: 2, token: 0x1e, children: '' },
  { name: 'ddf:Man', page: 2, token: 0x1f, children: '#text' },
  { name: 'ddf:MgmtTree', page: 2, token: 0x20, children: 'ddf:VerDTD ddf:Man? ddf:Mod? ddf:Node+' },
  { name: 'ddf:MIME', page: 2, token: 0x21, children: '#text' },
  { name: 'ddf:Mod', page: 2, token: 0x22, children: '#text' },
  { name: 'ddf:Name', page: 2, token: 0x23, children: '#text' },
  {
    name: 'ddf:Node',
    page: 2,
    token: 0x24,
    children: 'ddf:NodeName ddf:Path? ddf:RTProperties? ddf:DFProperties? ddf:Value? ddf:Node*',
  },
  { name: 'ddf:node', page: 2, token: 0x25, children: '' },
  { name: 'ddf:NodeName', page: 2, token: 0x26, children: '#text' },
  { name: 'ddf:null', page: 2, token: 0x27, children: '' },
  {
    name: 'ddf:Occurrence',
    page: 2,
    token: 0x28,
    children: '(ddf:One|ddf:ZeroOrOne|ddf:ZeroOrMore|ddf:OneOrMore|ddf:ZeroOrN|ddf:OneOrN)',
  },
  { name: 'ddf:One', page: 2, token: 0x29, children: '' },
  { name: 'ddf:OneOrMore', page: 2, token: 0x2a, children: '' },
  { name: 'ddf:OneOrN', page: 2, token: 0x2b, children: '#text' },
  { name: 'ddf:Path', page: 2, token: 0x2c, children: '#text' },
  { name: 'ddf:Permanent', page: 2, token: 0x2d, children: '' },
  { name: 'ddf:Replace', page: 2, token: 0x2e, children: '' },
  {
    name: 'ddf:RTProperties',
    page: 2,
    token: 0x2f,
    children: 'ddf:ACL? ddf:Format? ddf:Name? ddf:Size? ddf:Title? ddf:TStamp? ddf:Type? ddf:VerNo?',
  },
  { name: 'ddf:Scope', page: 2, token: 0x30, children: '(ddf:Permanent|ddf:Dynamic)' },
  { name: 'ddf:Size', page: 2, token: 0x31, children: '#text' },
  { name: 'ddf:time', page: 2, token: 0x32, children: '' },
  { name: 'ddf:Title', page: 2, token: 0x33, children: '#text' },
  { name: 'ddf:TStamp', page: 2, token: 0x34, children: '#text' },
  { name: 'ddf:Type', page: 2, token: 0x35, children: '#text? (ddf:MIME|ddf:DDFName)' },
  { name: 'ddf:Value', page: 2, token: 0x36, children: '#data' },
  { name: 'ddf:VerDTD', page: 2, token: 0x37, children: '#text' },
  { name: 'ddf:VerNo', page: 2, token: 0x38, children: '#text' },
  { name: 'ddf:xml', page: 2, token: 0x39, children: '' },
  { name: 'ddf:ZeroOrMore', page: 2, token: 0x3a, children: '' },
  { name: 'ddf:ZeroOrN', page: 2, token: 0x3b, children: '#text' },
  { name: 'ddf:ZeroOrOne', page: 2, token: 0x3c, children: '' },
] as const satisfies readonly Row[];

const DEVINF_TYPE = 'devinf:CTType devinf:VerCT';

/** As it came with data synchronisation 1.1 and 1.2; in DM it only arrives. */
const DEVINF = [
  {
    name: 'devinf:CTCap',
    page: 3,
    token: 0x05,
    children:
      '(devinf:CTType|devinf:VerCT|devinf:FieldLevel|devinf:Property|devinf:PropName|devinf:ParamName|devinf:ValEnum|devinf:DataType|devinf:Size|devinf:DisplayName)+',
  },
  { name: 'devinf:CTType', page: 3, token: 0x06, children: '#text' },
  {
    name: 'devinf:DataStore',
    page: 3,
    token: 0x07,
    children:
      'devinf:SourceRef devinf:DisplayName? devinf:MaxGUIDSize? devinf:Rx-Pref devinf:Rx* devinf:Tx-Pref devinf:Tx* devinf:CTCap* devinf:DSMem? devinf:SupportHierarchicalSync? devinf:SyncCap devinf:Filter-Rx* devinf:FilterCap*',
  },
  { name: 'devinf:DataType', page: 3, token: 0x08, children: '#text' },
  { name: 'devinf:DevID', page: 3, token: 0x09, children: '#text' },
  {
    name: 'devinf:DevInf',
    page: 3,
    token: 0x0a,
    children:
      'devinf:VerDTD devinf:Man? devinf:Mod? devinf:OEM? devinf:FwV? devinf:SwV? devinf:HwV? devinf:DevID devinf:DevTyp devinf:UTC? devinf:SupportLargeObjs? devinf:SupportNumberOfChanges? devinf:DataStore+ devinf:CTCap* devinf:Ext*',
  },
  { name: 'devinf:DevTyp', page: 3, token: 0x0b, children: '#text' },
  { name: 'devinf:DisplayName', page: 3, token: 0x0c, children: '#text' },
  { name: 'devinf:DSMem', page: 3, token: 0x0d, children: 'devinf:SharedMem? devinf:MaxMem? devinf:MaxID?' },
  { name: 'devinf:Ext', page: 3, token: 0x0e, children: 'devinf:XNam devinf:XVal*' },
  { name: 'devinf:FwV', page: 3, token: 0x0f, children: '#text' },
  { name: 'devinf:HwV', page: 3, token: 0x10, children: '#text' },
  { name: 'devinf:Man', page: 3, token: 0x11, children: '#text' },
  { name: 'devinf:MaxGUIDSize', page: 3, token: 0x12, children: '#text' },
  { name: 'devinf:MaxID', page: 3, token: 0x13, children: '#text' },
  { name: 'devinf:MaxMem', page: 3, token: 0x14, children: '#text' },
  { name: 'devinf:Mod', page: 3, token: 0x15, children: '#text' },
  { name: 'devinf:OEM', page: 3, token: 0x16, children: '#text' },
  { name: 'devinf:ParamName', page: 3, token: 0x17, children: '#text' },
  { name: 'devinf:PropName', page: 3, token: 0x18, children: '#text' },
  { name: 'devinf:Rx', page: 3, token: 0x19, children: DEVINF_TYPE },
  { name: 'devinf:Rx-Pref', page: 3, token: 0x1a, children: DEVINF_TYPE },
  { name: 'devinf:SharedMem', page: 3, token: 0x1b, children: '' },
  { name: 'devinf:MaxSize', page: 3, token: 0x1c, children: '#text' },
  { name: 'devinf:Size', page: 3, token: 0x1c, until: '1.1', children: '#text' },
  { name: 'devinf:SourceRef', page: 3, token: 0x1d, children: '#text' },
  { name: 'devinf:SwV', page: 3, token: 0x1e, children: '#text' },
  { name: 'devinf:SyncCap', page: 3, token: 0x1f, children: 'devinf:SyncType+' },
  { name: 'devinf:SyncType', page: 3, token: 0x20, children: '#text' },
  { name: 'devinf:Tx', page: 3, token: 0x21, children: DEVINF_TYPE },
  { name: 'devinf:Tx-Pref', page: 3, token: 0x22, children: DEVINF_TYPE },
  { name: 'devinf:ValEnum', page: 3, token: 0x23, children: '#text' },
  { name: 'devinf:VerCT', page: 3, token: 0x24, children: '#text' },
  { name: 'devinf:VerDTD', page: 3, token: 0x25, children: '#text' },
  { name: 'devinf:XNam', page: 3, token: 0x26, children: '#text' },
  { name: 'devinf:XVal', page: 3, token: 0x27, children: '#text' },
  { name: 'devinf:UTC', page: 3, token: 0x28, children: '' },
  { name: 'devinf:SupportNumberOfChanges', page: 3, token: 0x29, children: '' },
  { name: 'devinf:SupportLargeObjs', page: 3, token: 0x2a, children: '' },
  {
    name: 'devinf:Property',
    page: 3,
    token: 0x2b,
    children:
      'devinf:PropName devinf:DataType? devinf:MaxOccur? devinf:MaxSize? devinf:NoTruncate? devinf:ValEnum* devinf:DisplayName? devinf:PropParam*',
  },
  {
    name: 'devinf:PropParam',
    page: 3,
    token: 0x2c,
    children: 'devinf:ParamName devinf:DataType? devinf:ValEnum* devinf:DisplayName?',
  },
  { name: 'devinf:MaxOccur', page: 3, token: 0x2d, children: '#text' },
  { name: 'devinf:NoTruncate', page: 3, token: 0x2e, children: '' },
  { name: 'devinf:Filter-Rx', page: 3, token: 0x30, children: DEVINF_TYPE },
  {
    name: 'devinf:FilterCap',
    page: 3,
    token: 0x31,
    children: `${DEVINF_TYPE} devinf:FilterKeyword* devinf:PropName*`,
  },
  { name: 'devinf:FilterKeyword', page: 3, token: 0x32, children: '#text' },
  { name: 'devinf:FieldLevel', page: 3, token: 0x33, children: '' },
  { name: 'devinf:SupportHierarchicalSync', page: 3, token: 0x34, children: '' },
] as const satisfies readonly Row[];

const ROWS = [...SYNCML, ...METINF, ...DDF, ...DEVINF] as const;

/** Every name as it stands in tags, by its number; 0 is none. */
export const LOCAL_NAMES: readonly string[] = ['', ...new Set(ROWS.map(({ name }) => localNameOf(name)))];

export type ElementName = (typeof ROWS)[number]['name'];

/** What stands between the tags: nothing, text, text or octets as they are, or elements. */
export type Content = 'empty' | 'text' | 'data' | 'elements';

/** One place in a content model; several names are a choice. */
export type Particle = readonly ElementName[];

/** A row of the element table, taken apart. */
export interface ElementType {
  readonly name: ElementName;
  /** As it stands in a tag. */
  readonly localName: string;
  readonly page: Page;
  readonly token: number;
  readonly content: Content;
  /** Content is elements, and bare text is accepted in place of the first. */
  readonly acceptsBareText: boolean;
  /** In the order of the DTD; empty unless content is elements. */
  readonly particles: readonly Particle[];
  /** Children by local name: names that several pages share are told apart by where they stand. */
  readonly childTypes: ReadonlyMap<string, ElementType>;
  /** The same by the number of the local name. */
  readonly childByName: readonly (ElementType | undefined)[];
}

/** XML namespace of each page. */
export const NAMESPACES: Readonly<Record<Page, string>> = {
  0: 'SYNCML:SYNCML1.2',
  1: 'syncml:metinf',
  2: 'syncml:dmddf1.2',
  3: 'syncml:devinf',
};

/** XML namespace of page 0 in each version of SyncML. */
export const SYNCML_NAMESPACES: Readonly<Record<DtdVersion, string>> = {
  '1.0': 'SYNCML:SYNCML1.0',
  '1.1': 'SYNCML:SYNCML1.1',
  '1.2': NAMESPACES[0],
};

const NEWEST: DtdVersion = '1.2';

const byName = new Map<string, ElementType>();
const byLocalName = new Map<string, readonly ElementType[]>();
const byToken: (ElementType | undefined)[] = [];
/** Those that mean something else in the newest version. */
const byOldToken: (ElementType | undefined)[] = [];
const childTypes = new Map<ElementName, Map<string, ElementType>>();
const childByName = new Map<ElementName, (ElementType | undefined)[]>();
const localNameByLowerCase = new Map<string, string>();

for (const row of ROWS) {
  const [first, ...rest] = row.children.split(' ');
  const type: ElementType = {
    name: row.name,
    localName: localNameOf(row.name),
    page: row.page,
    token: row.token,
    content: first === '' ? 'empty' : first === '#text' ? 'text' : first === '#data' ? 'data' : 'elements',
    acceptsBareText: first === '#text?',
    particles: (first?.startsWith('#') ? rest : row.children.split(' ')).filter((word) => word !== '').map(particle),
    childTypes: childTypesOf(row.name),
    childByName: childByNameOf(row.name),
  };
  byName.set(type.name, type);
  byLocalName.set(type.localName, [...(byLocalName.get(type.localName) ?? []), type]);
  ('until' in row ? byOldToken : byToken)[tokenKey(type.page, type.token)] = type;
  localNameByLowerCase.set(type.localName.toLowerCase(), type.localName);
}
for (const type of byName.values()) {
  for (const name of type.particles.flat()) {
    const child = elementType(name);
    childTypesOf(type.name).set(child.localName, child);
    childByNameOf(type.name)[LOCAL_NAMES.indexOf(child.localName)] = child;
  }
}

/** All rows in the order of pages and tokens. */
export const ELEMENT_TYPES: readonly ElementType[] = [...byName.values()];

/** The row of an element. */
export function elementType(name: ElementName): ElementType {
  const type = byName.get(name);
  if (type === undefined) throw new DmError('ELEMENT_UNKNOWN', `${name} is not in the element table`);
  return type;
}

/** The row of a WBXML tag. [WBXML 5.8] */
export function elementTypeOfToken(page: Page, token: number, dtd: DtdVersion = NEWEST): ElementType | undefined {
  const key = tokenKey(page, token);
  return dtd === NEWEST ? byToken[key] : (byOldToken[key] ?? byToken[key]);
}

/**
 * The row of a tag written by name: where it stands decides, then its namespace, then the order of the pages, since many
 * peers leave namespaces out or put them in the wrong place. DevInf, another kind of document, never mixes with the others.
 */
export function elementTypeOfTag(
  localName: string,
  parent: ElementType | undefined,
  namespace: string | undefined,
): ElementType | undefined {
  const child = parent?.childTypes.get(localName);
  if (child !== undefined) return child;
  const types = byLocalName.get(localName);
  if (types === undefined) return undefined;
  const page = parent?.page ?? pageOfNamespace(namespace);
  const found = types.find((type) => type.page === page) ?? types[0];
  return found === undefined || parent === undefined || isDevInf(found) === isDevInf(parent) ? found : undefined;
}

/** Whether an element belongs to a DevInf document. */
export function isDevInf({ page }: ElementType): boolean {
  return page === 3;
}

/**
 * Whether unknown elements in it are left out rather than refused: in Meta, and in files also in a DDF.
 * Peer: Windows extends the DDF with values of its own.
 */
export function mayHoldUnknown({ name, page }: ElementType, mode: DecodeMode): boolean {
  return name === 'Meta' || name === 'metinf:MetInf' || (page === 2 && mode === 'file');
}

/** A tag name in the case of the table; names that are not in it are answered as they are. */
export function rightCase(localName: string): string {
  return localNameByLowerCase.get(localName.toLowerCase()) ?? localName;
}

function pageOfNamespace(namespace: string | undefined): Page | undefined {
  const lowerCase = namespace?.toLowerCase();
  if (lowerCase?.startsWith('syncml:syncml1.')) return 0;
  if (lowerCase?.startsWith('syncml:metinf')) return 1;
  if (lowerCase?.startsWith('syncml:dmddf')) return 2;
  if (lowerCase?.startsWith('syncml:devinf')) return 3;
  return undefined;
}

function localNameOf(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function childTypesOf(name: ElementName): Map<string, ElementType> {
  const known = childTypes.get(name) ?? new Map<string, ElementType>();
  childTypes.set(name, known);
  return known;
}

function childByNameOf(name: ElementName): (ElementType | undefined)[] {
  const known = childByName.get(name) ?? [];
  childByName.set(name, known);
  return known;
}

function tokenKey(page: Page, token: number): number {
  return page * 0x40 + token;
}

function particle(word: string): Particle {
  return word.replace(/^\(|\)?[?*+]?$/g, '').split('|') as ElementName[];
}
