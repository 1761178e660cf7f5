import type { DtdVersion, ElementName } from './elements.ts';
import type { Data } from './message/message.ts';

/** One element of a document: what both decoders produce and both encoders take. */
export interface Element {
  readonly name: ElementName;
  /** In the order of the document. */
  readonly children: readonly Element[];
  /** Of a leaf; octets only where the element table allows them. Empty where there are children. */
  readonly text: Data;
  /** Byte offset of the start tag in the document it was read from, 0 if it was not read from one. */
  readonly offset: number;
}

/** An element with text and no children; an empty one without text. */
export function leaf(name: ElementName, text: Data = ''): Element {
  return { name, children: NO_CHILDREN, text, offset: 0 };
}

/** An element with children. */
export function branch(name: ElementName, children: readonly Element[]): Element {
  return { name, children, text: '', offset: 0 };
}

/** The first child of that name. */
export function childOf(element: Element, name: ElementName): Element | undefined {
  for (const child of element.children) if (child.name === name) return child;
  return undefined;
}

/** All children of that name. */
export function childrenOf(element: Element, name: ElementName): readonly Element[] {
  return element.children.filter((child) => child.name === name);
}

/** The version that a SyncML or DevInf document says it has; 1.2 where it says none that is known. */
export function dtdVersionOf(root: Element | undefined): DtdVersion {
  const verDtd =
    root?.name === 'SyncML'
      ? childOf(childOf(root, 'SyncHdr') ?? root, 'VerDTD')
      : root?.name === 'devinf:DevInf'
        ? childOf(root, 'devinf:VerDTD')
        : undefined;
  return dtdVersionNamed(verDtd?.text);
}

/** The version of that name; 1.2 where none is known by it. */
export function dtdVersionNamed(verDtd: Data | undefined): DtdVersion {
  return verDtd === '1.1' || verDtd === '1.0' ? verDtd : '1.2';
}

/** An element as plain JSON, without offsets: `{ "Exec": [{ "CmdID": "3" }] }`; octets are `{ "base64": … }`. */
export type JsonElement = {
  readonly [N in ElementName]?: string | { readonly base64: string } | readonly JsonElement[];
};

/** For people and programs that read JSON. */
export function toJson(element: Element): JsonElement {
  const { name, children, text } = element;
  if (children.length > 0) return { [name]: children.map(toJson) };
  return { [name]: typeof text === 'string' ? text : { base64: Buffer.from(text).toString('base64') } };
}

const NO_CHILDREN: readonly Element[] = [];
