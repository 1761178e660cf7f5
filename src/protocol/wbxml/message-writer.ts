import { dtdVersionNamed } from '../element.ts';
import { type ElementName, elementType } from '../elements.ts';
import type { Answer, Command, Data, Item, Message, Unnumbered } from '../message/message.ts';
import { type Branch, type MessageWriter, writeCommand, writeItem, writeMessage } from '../message/write-message.ts';
import { CODE_PAGES, documentTypeOfMessages } from './documents.ts';
import { type WbxmlVersion, writeHeader } from './header.ts';
import { WbxmlOutput } from './output.ts';

/** A message in WBXML: the octets that `writeWbxml` makes of its element tree, without the tree. */
export function messageWbxml(message: Message, version: WbxmlVersion): Uint8Array {
  const output = new WbxmlOutput();
  writeHeader(output, version, documentTypeOfMessages(dtdVersionNamed(message.hdr.verDtd)), []);
  writeMessage(new WbxmlMessageWriter(output), message);
  return output.octets();
}

/** A part of a document: it begins where code page 0 is in force. */
export interface WbxmlFragment {
  readonly octets: Uint8Array;
  /** The code page in force behind it. */
  readonly codePage: number;
}

/** A command as it stands in the SyncBody of a message; without CmdID and MsgRef while the session has not given them. */
export function commandWbxml(command: Command | Unnumbered | Answer): WbxmlFragment {
  const output = new WbxmlOutput();
  writeCommand(new WbxmlMessageWriter(output), command);
  return { octets: output.octets(), codePage: output.codePage };
}

class WbxmlMessageWriter implements MessageWriter {
  readonly #output: WbxmlOutput;
  /** Behind a start tag whose element holds nothing as yet; 0 behind anything else. */
  #emptyAt = 0;

  constructor(output: WbxmlOutput) {
    this.#output = output;
  }

  start(name: Branch): void {
    this.#startTag(name, false);
    this.#emptyAt = this.#output.length;
  }

  end(): void {
    if (this.#emptyAt === this.#output.length) this.#output.emptyLast();
    else this.#output.end();
    this.#emptyAt = 0;
  }

  leaf(name: ElementName, text: Data): void {
    const isEmpty = text.length === 0;
    this.#startTag(name, isEmpty);
    if (isEmpty) return;
    this.#output.data(text);
    this.#output.end();
  }

  item(item: Item): void {
    writeItem(this, item);
  }

  #startTag(name: ElementName, isEmpty: boolean): void {
    const { page, token } = elementType(name);
    this.#output.start(CODE_PAGES[page], token, isEmpty);
  }
}
