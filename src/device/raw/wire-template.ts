import { type Encoding, encodeMessage, type WireForm } from '../../protocol/codec.ts';
import type { Message } from '../../protocol/message/message.ts';

/** What differs between the messages that one template makes. */
export type Slot = 'sessionId' | 'msgId' | 'family' | 'serial' | 'userName' | 'cred' | 'serverMsgId' | 'nextNonce';

const SLOT = /\{\{(\w+)\}\}/;

/** Text that stands for a slot in a message of which a template is made. */
export function slot(name: Slot): string {
  return `{{${name}}}`;
}

/** A message that is encoded once and then filled in for each device. */
export class WireTemplate {
  /** Texts at even places, names of slots at odd ones. */
  readonly #parts: readonly string[];

  constructor(message: Message, form: WireForm) {
    this.#parts = Buffer.from(encodeMessage(message, form)).toString('latin1').split(SLOT);
  }

  /** The octets of the message, one in each character. The values are as `wireValue` makes them. */
  fill(values: Readonly<Partial<Record<Slot, string>>>): string {
    let octets = '';
    for (let index = 0; index < this.#parts.length; index++) {
      const part = this.#parts[index] ?? '';
      octets += index % 2 === 0 ? part : (values[part as Slot] ?? '');
    }
    return octets;
  }
}

/** A value as it stands in a message of that encoding, one octet in each character. */
export function wireValue(text: string, encoding: Encoding): string {
  const escaped = encoding === 'xml' ? text.replace(/[&<>]/g, (character) => ESCAPES[character] ?? '') : text;
  return Buffer.from(escaped).toString('latin1');
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
