import { elementType } from './elements.ts';
import type { WbxmlVersion } from './wbxml/header.ts';
import type { Answer, Command, SyncHdr, Unnumbered } from './message/message.ts';
import { commandWbxml, messageWbxml, type WbxmlFragment } from './wbxml/message-writer.ts';
import { commandXml, messageXml } from './xml/message-writer.ts';

/** How a message looks on the wire; an answer uses the form of the request. */
export type WireForm = { readonly encoding: 'xml' } | { readonly encoding: 'wbxml'; readonly version: WbxmlVersion };

/** A command as it stands in every message of one form: it is encoded once to be measured and to be sent. */
export type EncodedCommand = { readonly bytes: number } & (
  { readonly encoding: 'xml'; readonly xml: string } | ({ readonly encoding: 'wbxml' } & WbxmlFragment)
);

/** A message without its commands. */
export type EncodedEnvelope = {
  /** With Final. */
  readonly bytes: number;
} & (
  | { readonly encoding: 'xml'; readonly start: string }
  | { readonly encoding: 'wbxml'; readonly version: WbxmlVersion; readonly start: Uint8Array }
);

const XML_END = '</SyncBody></SyncML>';
const XML_FINAL = '<Final/>';
const WBXML_END = Uint8Array.of(0x01, 0x01);
const WBXML_FINAL = Uint8Array.of(elementType('Final').token);
const TO_PAGE_0 = Uint8Array.of(0x00, 0x00);

/** Encodes one command; one that has no CmdID or MsgRef yet counts without them. */
export function encodeCommand(command: Command | Unnumbered | Answer, { encoding }: WireForm): EncodedCommand {
  if (encoding === 'xml') {
    const xml = commandXml(command);
    return { encoding, xml, bytes: Buffer.byteLength(xml) };
  }
  const fragment = commandWbxml(command);
  const toPage0 = fragment.codePage === 0 ? 0 : TO_PAGE_0.length;
  return { encoding, ...fragment, bytes: fragment.octets.length + toPage0 };
}

/** Encodes what stands around the commands of a message. */
export function encodeEnvelope(hdr: SyncHdr, form: WireForm): EncodedEnvelope {
  const empty = { hdr, body: [], final: true };
  if (form.encoding === 'xml') {
    const xml = messageXml(empty);
    const start = xml.slice(0, -(XML_FINAL.length + XML_END.length));
    return { encoding: 'xml', start, bytes: Buffer.byteLength(xml) };
  }
  const octets = messageWbxml(empty, form.version);
  const start = octets.subarray(0, octets.length - WBXML_FINAL.length - WBXML_END.length);
  return { ...form, start, bytes: octets.length };
}

/** The message that the parts make: the same octets as when it is encoded as a whole. There is at least one command or Final. */
export function joinMessage(
  envelope: EncodedEnvelope,
  commands: readonly EncodedCommand[],
  final: boolean,
): Uint8Array {
  if (envelope.encoding === 'xml') {
    let xml = envelope.start;
    for (const command of commands) if (command.encoding === 'xml') xml += command.xml;
    return Buffer.from(final ? `${xml}${XML_FINAL}${XML_END}` : `${xml}${XML_END}`);
  }
  const pieces: Uint8Array[] = [envelope.start];
  let codePage = 0;
  const add = (octets: Uint8Array, endsOn: number): void => {
    if (codePage !== 0) pieces.push(TO_PAGE_0);
    pieces.push(octets);
    codePage = endsOn;
  };
  for (const command of commands) if (command.encoding === 'wbxml') add(command.octets, command.codePage);
  if (final) add(WBXML_FINAL, 0);
  pieces.push(WBXML_END);
  return Buffer.concat(pieces);
}
