import { encodedBytes, type WireForm } from '../codec.ts';
import { ALERT, STATUS } from '../message/codes.ts';
import {
  type AlertCommand,
  type Command,
  commandName,
  type Message,
  type Meta,
  type RequestCommand,
  type StatusCommand,
  type SyncHdr,
  type Unnumbered,
} from '../message/message.ts';

/** A Status for the SyncHdr of a message. [DMPROTO 8] */
export function hdrStatus({ msgId }: SyncHdr, code: number, chal?: Meta): Unnumbered<StatusCommand> {
  return {
    kind: 'Status',
    msgRef: msgId,
    cmdRef: '0',
    cmd: 'SyncHdr',
    targetRefs: [],
    sourceRefs: [],
    code,
    chal,
    items: [],
  };
}

/** A Status for a command of a message. */
export function commandStatus({ msgId }: SyncHdr, command: Command, code: number): Unnumbered<StatusCommand> {
  return {
    kind: 'Status',
    msgRef: msgId,
    cmdRef: command.cmdId,
    cmd: commandName(command),
    targetRefs: [],
    sourceRefs: [],
    code,
    items: [],
  };
}

/** Whether a command asks for a Status. */
export function isRequest(command: Command): command is RequestCommand {
  return command.kind !== 'Status' && command.kind !== 'Results';
}

/** The requests of a message. */
export function requestsIn({ body }: Message): readonly RequestCommand[] {
  return body.filter(isRequest);
}

/** An alert about the session itself, which only its two ends understand. */
export function isOfSession(command: Command): command is AlertCommand {
  if (command.kind !== 'Alert') return false;
  const { code } = command;
  return code === ALERT.nextMessage || code === ALERT.sessionAbort || code === ALERT.noEndOfData;
}

/** The Status that a message holds for the SyncHdr of our message `msgId`. */
export function hdrStatusIn({ body }: Message, msgId: number): StatusCommand | undefined {
  return body.find(
    (command): command is StatusCommand =>
      command.kind === 'Status' && command.cmdRef === '0' && command.msgRef === String(msgId),
  );
}

/** Whether a Status of the SyncHdr says that our credentials did not do. [SEC 5] */
export function isRefusal(code: number): boolean {
  return code === STATUS.invalidCredentials || code === STATUS.missingCredentials;
}

/** Commands of one message, with CmdIDs from 1 up; grows as commands are added. */
export class Body {
  readonly commands: Command[] = [];
  readonly #form: WireForm | undefined;
  readonly #maxBytes: number;
  #bytes = 0;
  /** Of what had to be there, whatever its size. */
  #fixedBytes = 0;
  #lastCmdId = 0;

  /** `maxBytes` is the room for the commands of a message in this form; without a limit nothing is measured. */
  constructor(limit?: { readonly form: WireForm; readonly maxBytes: number }) {
    this.#form = limit?.form;
    this.#maxBytes = limit?.maxBytes ?? Infinity;
  }

  get bytesLeft(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** Adds a command whatever its size and answers it with its CmdID; nested commands get theirs after it. */
  add(command: Unnumbered): Command {
    const { numbered, bytes } = this.#measured(command);
    this.#fixedBytes += bytes;
    return this.#append(numbered, bytes);
  }

  /** The same where it fits; else undefined, and nothing is added. */
  addIfFits(command: Unnumbered): Command | undefined {
    const lastCmdId = this.#lastCmdId;
    const { numbered, bytes } = this.#measured(command);
    if (bytes <= this.bytesLeft) return this.#append(numbered, bytes);
    this.#lastCmdId = lastCmdId;
    return undefined;
  }

  /** Whether `addIfFits` would add it. */
  fits(command: Unnumbered): boolean {
    return this.#bytesOf(command) <= this.bytesLeft;
  }

  /** Whether it would fit if it were the only one besides what had to be there. */
  fitsAlone(command: Unnumbered): boolean {
    return this.#bytesOf(command) <= this.#maxBytes - this.#fixedBytes;
  }

  #append(command: Command, bytes: number): Command {
    this.commands.push(command);
    this.#bytes += bytes;
    return command;
  }

  #bytesOf(command: Unnumbered): number {
    const lastCmdId = this.#lastCmdId;
    const { bytes } = this.#measured(command);
    this.#lastCmdId = lastCmdId;
    return bytes;
  }

  #measured(command: Unnumbered): { readonly numbered: Command; readonly bytes: number } {
    const numbered = this.#numbered(command);
    const bytes = this.#form === undefined || this.#maxBytes === Infinity ? 0 : encodedBytes(numbered, this.#form);
    return { numbered, bytes };
  }

  #numbered(command: Unnumbered): Command {
    this.#lastCmdId += 1;
    const cmdId = String(this.#lastCmdId);
    if (command.kind !== 'Atomic' && command.kind !== 'Sequence') return { ...command, cmdId };
    const commands = command.commands.map((nested) => this.#numbered(nested) as RequestCommand);
    return { ...command, cmdId, commands };
  }
}
