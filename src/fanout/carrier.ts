import { encodedBytes, type Encoding, type WireForm } from '../protocol/codec.ts';
import { everyCommand, type RequestCommand } from '../protocol/message/message.ts';
import { isSplittable } from '../protocol/session/chunks.ts';
import { itemsOf } from './command-list.ts';
import type { Carrier } from './engine.ts';

/** Room for what stands around a command: SyncHdr with credentials, and the Status that it is answered with. */
const ENVELOPE_BYTES = 1_024;

/** A command that a carrier cannot take, and the limit that it is beyond. */
export interface TooLarge {
  readonly command: RequestCommand;
  readonly limit: 'MaxMsgSize' | 'MaxObjSize';
  /** What has to fit: of a message with what stands around the command. */
  readonly bytes: number;
  readonly maxBytes: number;
}

/** How large the commands of a run are: reckoned once, asked for each of its devices. */
export class CommandSizes {
  readonly #commands: readonly RequestCommand[];
  readonly #messageBytes = new Map<Encoding, readonly number[]>();
  #objects: readonly { readonly command: RequestCommand; readonly bytes: number }[] | undefined;

  constructor(commands: readonly RequestCommand[]) {
    this.#commands = commands;
  }

  /** About what a message with all of the commands takes. */
  packageBytes(form: WireForm): number {
    return this.#commands.reduce((sum, command) => sum + encodedBytes(command, form), ENVELOPE_BYTES);
  }

  /** The first command that this carrier cannot take: its object is too large, or it fits in no message. [FANOUT 5] */
  firstTooLarge({ form, maxMsgBytes = Infinity, maxObjBytes = Infinity }: Carrier): TooLarge | undefined {
    if (maxObjBytes < Infinity) {
      this.#objects ??= [...everyCommand(this.#commands)].map((command) => ({ command, bytes: objectBytes(command) }));
      const tooLarge = this.#objects.find(({ bytes }) => bytes > maxObjBytes);
      if (tooLarge) return { ...tooLarge, limit: 'MaxObjSize', maxBytes: maxObjBytes };
    }
    if (maxMsgBytes === Infinity) return undefined;
    let sizes = this.#messageBytes.get(form.encoding);
    if (!sizes) {
      sizes = this.#commands.map((command) => ENVELOPE_BYTES + encodedBytes(smallest(command), form));
      this.#messageBytes.set(form.encoding, sizes);
    }
    const index = sizes.findIndex((bytes) => bytes > maxMsgBytes);
    const [command, bytes] = [this.#commands[index], sizes[index]];
    return command && bytes !== undefined ? { command, limit: 'MaxMsgSize', bytes, maxBytes: maxMsgBytes } : undefined;
  }
}

/** The command as it must fit into one message at least: a large value can follow in further ones. */
function smallest(command: RequestCommand): RequestCommand {
  if (!isSplittable(command) || !('items' in command)) return command;
  return { ...command, items: command.items.map((item) => ({ ...item, data: '' })) };
}

/** Size of the largest value the command itself carries. */
function objectBytes(command: RequestCommand): number {
  return Math.max(0, ...itemsOf(command).map(({ data = '' }) => Buffer.byteLength(data)));
}
