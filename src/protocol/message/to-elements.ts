import { branch, type Element, leaf } from '../element.ts';
import type { ElementName } from '../elements.ts';
import type { Answer, Command, Data, Item, Message, Unnumbered } from './message.ts';
import { type Branch, type MessageWriter, writeCommand, writeItem, writeMessage } from './write-message.ts';

/** A message as its element tree, children in the order of the DTD. [REPPRO 5] */
export function messageToElement(message: Message): Element {
  return treeOf((to) => {
    writeMessage(to, message);
  });
}

/** A command as its element tree; without CmdID and MsgRef while the session has not given them. */
export function commandToElement(command: Command | Unnumbered | Answer): Element {
  return treeOf((to) => {
    writeCommand(to, command);
  });
}

/** An Item as its element tree. */
export function itemToElement(item: Item): Element {
  return treeOf((to) => {
    writeItem(to, item);
  });
}

function treeOf(write: (to: MessageWriter) => void): Element {
  const tree = new TreeWriter();
  write(tree);
  return tree.root();
}

class TreeWriter implements MessageWriter {
  /** Children of the elements that are open, of the root's parent first. */
  readonly #open: Element[][] = [[]];

  start(): void {
    this.#open.push([]);
  }

  end(name: Branch): void {
    const children = this.#open.pop() ?? [];
    this.#add(branch(name, children));
  }

  leaf(name: ElementName, text: Data): void {
    this.#add(leaf(name, text));
  }

  item(item: Item): void {
    writeItem(this, item);
  }

  root(): Element {
    const [[root] = []] = this.#open;
    if (root === undefined) throw new TypeError('nothing was written');
    return root;
  }

  #add(element: Element): void {
    this.#open.at(-1)?.push(element);
  }
}
