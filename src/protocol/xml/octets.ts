import { branch, childOf, type Element, leaf } from '../element.ts';
import type { Data } from '../message/message.ts';
import { isXmlText } from './characters.ts';

/** Whether XML can hold the content only as base64. */
export function needsBase64(data: Data): boolean {
  return typeof data !== 'string' || !isXmlText(data);
}

/** Octets, or text as UTF-8, as base64. */
export function base64(data: Data): string {
  const octets = typeof data === 'string' ? Buffer.from(data) : data;
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64');
}

/**
 * An Item whose Data XML text cannot hold, as XML carries it: base64, with Format `b64` in the Item's own Meta and Size, which
 * counts what is transferred, enlarged to match. Any other Item is answered as it is. [TND]
 */
export function asXmlItem(item: Element): Element {
  const data = childOf(item, 'Data');
  if (data === undefined || !needsBase64(data.text)) return item;
  const encoded = leaf('Data', base64(data.text));
  const meta = asBase64Meta(childOf(item, 'Meta'));
  const children = item.children.filter(({ name }) => name !== 'Meta');
  children.splice(children.indexOf(data), 1, meta, encoded);
  return { ...item, children };
}

function asBase64Meta(meta: Element | undefined): Element {
  const others = (meta?.children ?? []).filter(({ name }) => name !== 'metinf:Format');
  return branch('Meta', [leaf('metinf:Format', 'b64'), ...others.map(withBase64Size)]);
}

function withBase64Size(element: Element): Element {
  if (element.name !== 'metinf:Size' || typeof element.text !== 'string' || !/^\d{1,15}$/.test(element.text))
    return element;
  return leaf('metinf:Size', String(4 * Math.ceil(Number(element.text) / 3)));
}
