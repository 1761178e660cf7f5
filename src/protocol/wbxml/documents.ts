import { dtdVersionOf, type Element } from '../element.ts';
import { type DtdVersion, elementType, type Page } from '../elements.ts';
import { DmError } from '../errors.ts';

/** A kind of WBXML document: how its header names it, and what its code pages are. */
export interface DocumentType {
  readonly name: 'SyncML' | 'MetInf' | 'DevInf' | 'DM-DDF';
  readonly dtd: DtdVersion;
  /** Undefined where none was assigned. */
  readonly publicId: number | undefined;
  readonly formalPublicId: string;
  /** Page of the element table by code page. */
  readonly pages: readonly (Page | undefined)[];
}

/** Code page of each page of the element table: DevInf is a document of its own. */
export const CODE_PAGES = [0, 1, 2, 0] as const;
const SYNCML_PAGES = [0, 1, 2] as const;
/** Choice: libwbxml keeps code page 1 in a MetInf document of its own; either is read. */
const METINF_PAGES = [1, 1] as const;
const DEVINF_PAGES = [3] as const;

/** Public identifier of a document that does not say what it is. */
export const UNKNOWN_PUBLIC_ID = 0x01;

function syncml(name: 'SyncML' | 'MetInf' | 'DevInf', dtd: DtdVersion, publicId: number | undefined): DocumentType {
  const pages = name === 'SyncML' ? SYNCML_PAGES : name === 'MetInf' ? METINF_PAGES : DEVINF_PAGES;
  return { name, dtd, publicId, formalPublicId: `-//SYNCML//DTD ${name} ${dtd}//EN`, pages };
}

const SYNCML_1_2 = syncml('SyncML', '1.2', 0x1201);
/** DevInf of the newest version. */
export const DEVINF_1_2 = syncml('DevInf', '1.2', 0x1203);
const DDF_1_2: DocumentType = {
  name: 'DM-DDF',
  dtd: '1.2',
  publicId: undefined,
  formalPublicId: '-//OMA//DTD-DM-DDF 1.2//EN',
  pages: SYNCML_PAGES,
};

const DOCUMENT_TYPES: readonly DocumentType[] = [
  syncml('SyncML', '1.0', 0x0fd1),
  syncml('DevInf', '1.0', 0x0fd2),
  syncml('SyncML', '1.1', 0x0fd3),
  syncml('DevInf', '1.1', 0x0fd4),
  SYNCML_1_2,
  syncml('MetInf', '1.0', undefined),
  syncml('MetInf', '1.1', undefined),
  syncml('MetInf', '1.2', 0x1202),
  DEVINF_1_2,
  DDF_1_2,
];
const byPublicId = new Map(DOCUMENT_TYPES.map((type) => [type.publicId, type]));
const byFormalName = new Map(DOCUMENT_TYPES.map((type) => [`${type.name} ${type.dtd}`.toLowerCase(), type]));

/** The document type of a number in a header; 1 says nothing and is taken for SyncML. */
export function documentTypeOfPublicId(publicId: number): DocumentType | undefined {
  return publicId === UNKNOWN_PUBLIC_ID ? SYNCML_1_2 : byPublicId.get(publicId);
}

/** The document type of a name in a string table, whoever is named as its owner. */
export function documentTypeOfName(formalPublicId: string): DocumentType | undefined {
  const [, name = ''] = /^\s*-\/\/[^/]+\/\/DTD[- ]([\w-]+ \d\.\d)\/\/EN/i.exec(formalPublicId) ?? [];
  return byFormalName.get(name.toLowerCase());
}

/** The document type that root elements are written as. Throws `DmError` where DevInf stands beside something else. */
export function documentTypeOfRoots(roots: readonly Element[]): DocumentType {
  const [first] = roots;
  const dtd = dtdVersionOf(first);
  if (first?.name === 'SyncML' && roots.length === 1) return documentTypeOfMessages(dtd);
  const pages = new Set(roots.map(({ name }) => elementType(name).page));
  const [only] = pages.size === 1 ? pages : [];
  if (only === 2) return DDF_1_2;
  if (only === 3) return byFormalName.get(`devinf ${dtd}`) ?? DEVINF_1_2;
  if (pages.has(3)) {
    throw new DmError('WBXML_DOCUMENT', 'a DevInf element cannot be in one WBXML document with others');
  }
  return documentTypeOfMessages(dtd);
}

/** The document type of the messages of a version. */
export function documentTypeOfMessages(dtd: DtdVersion): DocumentType {
  return byFormalName.get(`syncml ${dtd}`) ?? SYNCML_1_2;
}
