import type { Element } from '../element.ts';
import { elementType, elementTypeOfToken, type ElementName } from '../elements.ts';
import { CODE_PAGES, type DocumentType, documentTypeOfRoots } from './documents.ts';
import { type WbxmlVersion, writeHeader } from './header.ts';
import { WbxmlOutput } from './output.ts';

/**
 * Writes a WBXML document: public identifier of what the roots say they are, UTF-8, text as inline strings, octets as opaque
 * data. The string table holds the name of the document type where it has no number, and the names of what an older version
 * of DevInf does not have. Choice: several root elements, which only files have, follow one another; WBXML itself knows
 * one. Throws `DmError` WBXML_DOCUMENT for a DevInf element beside another. [WBXML 5]
 */
export function writeWbxml(roots: readonly Element[], version: WbxmlVersion): Uint8Array {
  const document = documentTypeOfRoots(roots);
  const literals = document.name === 'DevInf' ? literalNames(roots, document) : NO_LITERALS;
  const output = new WbxmlOutput();
  writeHeader(
    output,
    version,
    document,
    Array.from(literals.values(), ({ localName }) => localName),
  );
  roots.forEach((root, index) => {
    writeElement(output, root, literals, index > 0);
  });
  return output.octets();
}

/** Place in the string table of the elements that a version of a DTD does not have. */
type Literals = ReadonlyMap<ElementName, { readonly localName: string; readonly offset: number }>;

const NO_LITERALS: Literals = new Map();

function literalNames(roots: readonly Element[], { dtd }: DocumentType): Literals {
  const literals = new Map<ElementName, { localName: string; offset: number }>();
  let offset = 0;
  const collect = ({ name, children }: Element): void => {
    const { page, token, localName } = elementType(name);
    if (!literals.has(name) && elementTypeOfToken(page, token, dtd)?.name !== name) {
      literals.set(name, { localName, offset });
      offset += localName.length + 1;
    }
    children.forEach(collect);
  };
  roots.forEach(collect);
  return literals;
}

/** `isClosed`: also an empty element gets its END, so that it is not taken for a stray octet behind the root. */
function writeElement(
  output: WbxmlOutput,
  { name, children, text }: Element,
  literals: Literals,
  isClosed = false,
): void {
  const { page, token } = elementType(name);
  const literal = literals.get(name);
  const isEmpty = children.length === 0 && text.length === 0 && !isClosed;
  if (literal !== undefined) output.startLiteral(literal.offset, isEmpty);
  else output.start(CODE_PAGES[page], token, isEmpty);
  if (isEmpty) return;
  if (children.length === 0) output.data(text);
  for (const child of children) writeElement(output, child, literals);
  output.end();
}
