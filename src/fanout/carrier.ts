import { encodedBytes, type Encoding } from '../protocol/codec.ts';
import { everyCommand, type RequestCommand } from '../protocol/message/message.ts';
import { itemsOf } from './command-list.ts';
import type { Carrier } from './engine.ts';

/** Room for what stands around a command: SyncHdr with credentials, and the Status that it is answered with. */
const ENVELOPE_BYTES = 1_024;

/** How large the commands of a run are: reckoned once, asked for each of its devices. */
export class CommandSizes {
  readonly #commands: readonly RequestCommand[];
  readonly #messageBytes = new Map<Encoding, readonly number[]>();
  #objects: readonly { readonly command: RequestCommand; readonly bytes: number }[] | undefined;

  constructor(commands: readonly RequestCommand[]) {
    this.#commands = commands;
  }

  /** The first command that this carrier cannot take: its object is too large, or it fits in no message. [FANOUT 5] */
  firstTooLarge({ form, maxMsgBytes = Infinity, maxObjBytes = Infinity }: Carrier): RequestCommand | undefined {
    if (maxObjBytes < Infinity) {
      this.#objects ??= [...everyCommand(this.#commands)].map((command) => ({ command, bytes: objectBytes(command) }));
      const tooLarge = this.#objects.find(({ bytes }) => bytes > maxObjBytes);
      if (tooLarge) return tooLarge.command;
    }
    if (maxMsgBytes === Infinity) return undefined;
    let sizes = this.#messageBytes.get(form.encoding);
    if (!sizes) {
      sizes = this.#commands.map((command) => ENVELOPE_BYTES + encodedBytes(command, form));
      this.#messageBytes.set(form.encoding, sizes);
    }
    const index = sizes.findIndex((bytes) => bytes > maxMsgBytes);
    return this.#commands[index];
  }
}

/** Size of the largest value the command itself carries. */
function objectBytes(command: RequestCommand): number {
  return Math.max(0, ...itemsOf(command).map(({ data = '' }) => Buffer.byteLength(data)));
}
