import { dtdVersionNamed } from '../element.ts';
import type { DtdVersion, ElementName, Page } from '../elements.ts';
import type { Answer, Command, Data, Item, Message, Unnumbered } from '../message/message.ts';
import { itemToElement } from '../message/to-elements.ts';
import {
  type Branch,
  type CommandIds,
  type MessageWriter,
  writeCommand,
  writeItem,
  writeMessage,
} from '../message/write-message.ts';
import { needsBase64 } from './octets.ts';
import { tagsOfElement, textXml, xmlOf } from './writer.ts';

/** A message as XML: the text that `writeXml` makes of its element tree, without the tree. */
export function messageXml(message: Message): string {
  const to = new XmlMessageWriter(undefined, dtdVersionNamed(message.hdr.verDtd));
  writeMessage(to, message);
  return to.xml;
}

/** A command as it stands in the SyncBody of a message, under its own ids or under those that are given. */
export function commandXml(command: Command | Unnumbered | Answer, ids?: CommandIds): string {
  const to = new XmlMessageWriter(0, '1.2');
  writeCommand(to, command, ids);
  return to.xml;
}

class XmlMessageWriter implements MessageWriter {
  xml = '';
  readonly #dtd: DtdVersion;
  /** Of the element that is open: all that hold others are of the same. */
  #page: Page | undefined;
  /** What stands before the start tag that was written last; undefined once its element has a child or has ended. */
  #before: string | undefined;

  constructor(outerPage: Page | undefined, dtd: DtdVersion) {
    this.#page = outerPage;
    this.#dtd = dtd;
  }

  start(name: Branch): void {
    const { page, open, openWithNamespace } = tagsOfElement(name, this.#dtd);
    this.#before = this.xml;
    this.xml += page === this.#page ? open : openWithNamespace;
    this.#page = page;
  }

  end(name: Branch): void {
    const { close, empty } = tagsOfElement(name, this.#dtd);
    if (this.#before === undefined) this.xml += close;
    else this.xml = this.#before + empty;
    this.#before = undefined;
  }

  leaf(name: ElementName, text: Data): void {
    const tags = tagsOfElement(name, this.#dtd);
    const isSamePage = tags.page === this.#page;
    if (text.length === 0) this.xml += isSamePage ? tags.empty : tags.emptyWithNamespace;
    // From left to right: text that is joined before it is added is one more object for each leaf.
    else {
      const open = isSamePage ? tags.open : tags.openWithNamespace;
      this.xml = this.xml + open + textXml(text, name, tags.content) + tags.close;
    }
    this.#before = undefined;
  }

  item(item: Item): void {
    if (item.data === undefined || !needsBase64(item.data)) {
      writeItem(this, item);
      return;
    }
    this.xml += xmlOf(itemToElement(item), this.#page);
    this.#before = undefined;
  }
}
