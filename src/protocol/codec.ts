import type { Element } from './element.ts';
import { DecodeError } from './errors.ts';
import { type DecodeLimits, DEFAULT_LIMITS } from './limits.ts';
import { messageFromElement } from './message/from-elements.ts';
import type { Answer, Command, Data, Message, SyncHdr, Unnumbered } from './message/message.ts';
import { encodeCommand, encodeEnvelope, type WireForm } from './message-parts.ts';
import { looksLikeWbxml } from './wbxml/header.ts';
import { messageWbxml } from './wbxml/message-writer.ts';
import { readWbxml } from './wbxml/reader.ts';
import { writeWbxml } from './wbxml/writer.ts';
import { messageXml } from './xml/message-writer.ts';
import { readXml } from './xml/reader.ts';
import { writeXml } from './xml/writer.ts';

export { type DecodeLimits, DEFAULT_LIMITS } from './limits.ts';
export { commandsFromElements, type CommandTolerance } from './message/from-elements.ts';
export { commandToElement } from './message/to-elements.ts';
export type { WireForm } from './message-parts.ts';

export type Encoding = WireForm['encoding'];

/** Reads one message as a peer may send it. Throws `DecodeError`, code `XML_…`, `WBXML_…` or `MESSAGE_…`. [REPPRO 5] */
export function decodeMessage(
  body: Uint8Array,
  encoding: Encoding,
  limits: DecodeLimits = DEFAULT_LIMITS,
): { readonly message: Message; readonly form: WireForm } {
  if (encoding === 'xml') return { message: messageOf(readXml(body, 'wire', limits)), form: { encoding } };
  const { roots, version } = readWbxml(body, 'wire', limits);
  return { message: messageOf(roots), form: { encoding, version } };
}

/** Writes a message, elements in the order of the DTD; namespace and public identifier follow its VerDTD. [REPPRO 5] */
export function encodeMessage(message: Message, form: WireForm): Uint8Array {
  if (form.encoding === 'xml') return Buffer.from(messageXml(message));
  return messageWbxml(message, form.version);
}

/** Bytes a command adds to a message; one that has no CmdID or MsgRef yet counts without them. */
export function encodedBytes(command: Command | Unnumbered | Answer, form: WireForm): number {
  return encodeCommand(command, form).bytes;
}

/** Bytes of a message with Final and no command: with `encodedBytes` of each command it makes the size of the message. */
export function emptyMessageBytes(hdr: SyncHdr, form: WireForm): number {
  return encodeEnvelope(hdr, form).bytes;
}

/** Reads what people keep in files: whole messages or fragments, in either encoding. Throws `DecodeError`. */
export function decodeFile(
  bytes: Uint8Array,
  limits: DecodeLimits = DEFAULT_LIMITS,
): { readonly elements: readonly Element[]; readonly encoding: Encoding } {
  if (!looksLikeWbxml(bytes)) return { elements: readXml(bytes, 'file', limits), encoding: 'xml' };
  return { elements: readWbxml(bytes, 'file', limits).roots, encoding: 'wbxml' };
}

/** Writes root elements as one document; what XML text cannot hold becomes base64 in XML. */
export function encodeFile(elements: readonly Element[], form: WireForm): Uint8Array {
  return form.encoding === 'xml' ? Buffer.from(writeXml(elements)) : writeWbxml(elements, form.version);
}

/**
 * Reads what Data holds as elements, whichever way it came: XML text, a WBXML document as octets, or tags in line, which
 * decoding has made text. Throws `DecodeError`, with places counted from the start of the Data. [TND]
 */
export function decodeData(data: Data, limits: DecodeLimits = DEFAULT_LIMITS): readonly Element[] {
  return decodeFile(typeof data === 'string' ? Buffer.from(data) : data, limits).elements;
}

/** Writes elements as Data of a message of that form: XML text, or in WBXML a whole WBXML document. [TND] */
export function encodeData(elements: readonly Element[], form: WireForm): Data {
  return form.encoding === 'xml' ? writeXml(elements) : writeWbxml(elements, form.version);
}

function messageOf([root]: readonly Element[]): Message {
  if (root === undefined) throw new DecodeError('MESSAGE_ROOT', 'document has no element', 0);
  return messageFromElement(root);
}
