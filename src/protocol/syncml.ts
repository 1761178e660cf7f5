/**
 * SyncML of OMA DM 1.2 in XML and WBXML: messages as typed data, documents and fragments as element trees.
 * Everything here is pure: bytes and values in, bytes and values out. [REPPRO 5, WBXML 5]
 */
export {
  commandsFromElements,
  commandToElement,
  type CommandTolerance,
  decodeData,
  decodeFile,
  type DecodeLimits,
  decodeMessage,
  DEFAULT_LIMITS,
  emptyMessageBytes,
  encodeData,
  encodedBytes,
  encodeFile,
  encodeMessage,
  type Encoding,
  type WireForm,
} from './codec.ts';
export { type Element, type JsonElement, toJson } from './element.ts';
export type { ElementName } from './elements.ts';
export { DecodeError, DmError } from './errors.ts';
export { ALERT, STATUS } from './message/codes.ts';
export type * from './message/message.ts';
export { messageFromElement } from './message/from-elements.ts';
export { messageToElement } from './message/to-elements.ts';
