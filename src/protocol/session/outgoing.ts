import { encodedBytes, type WireForm } from '../codec.ts';
import { STATUS } from '../message/codes.ts';
import {
  type Command,
  commandName,
  type Message,
  type Meta,
  type RequestCommand,
  type StatusCommand,
  type SyncHdr,
  type Unnumbered,
} from '../message/message.ts';

/** What every message of ours says of the protocol. [REPPRO 5] */
export const VERSIONS = { verDtd: '1.2', verProto: 'DM/1.2' } as const;

/** Whether a peer's message is of a version we speak; one that leaves it out is taken at its word. [DMPROTO 5] */
export function versionStatus({ verDtd, verProto }: SyncHdr): number {
  if (verProto !== '' && !/^DM\/1\.[23]$/.test(verProto)) return STATUS.protocolVersionNotSupported;
  return verDtd === '' || verDtd === '1.2' ? STATUS.ok : STATUS.dtdVersionNotSupported;
}

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
export function commandStatus({ msgId }: SyncHdr, command: RequestCommand, code: number): Unnumbered<StatusCommand> {
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

/** The requests of a message: all that asks for a Status. */
export function requestsIn({ body }: Message): readonly RequestCommand[] {
  return body.filter((command) => command.kind !== 'Status' && command.kind !== 'Results');
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
  #bytesLeft: number;
  #lastCmdId = 0;

  /** `maxBytes` is the room for the commands of a message in this form; without a limit nothing is measured. */
  constructor(limit?: { readonly form: WireForm; readonly maxBytes: number }) {
    this.#form = limit?.form;
    this.#bytesLeft = limit?.maxBytes ?? Infinity;
  }

  /** Adds a command whatever its size and answers it with its CmdID; nested commands get theirs after it. */
  add(command: Unnumbered): Command {
    const numbered = this.#numbered(command);
    this.#append(numbered, this.#bytesOf(numbered));
    return numbered;
  }

  /** The same where it fits; else undefined, and nothing is added. */
  addIfFits(command: Unnumbered): Command | undefined {
    const lastCmdId = this.#lastCmdId;
    const numbered = this.#numbered(command);
    const bytes = this.#bytesOf(numbered);
    if (bytes > this.#bytesLeft) {
      this.#lastCmdId = lastCmdId;
      return undefined;
    }
    this.#append(numbered, bytes);
    return numbered;
  }

  #append(command: Command, bytes: number): void {
    this.commands.push(command);
    this.#bytesLeft -= bytes;
  }

  #bytesOf(command: Command): number {
    return this.#form === undefined || this.#bytesLeft === Infinity ? 0 : encodedBytes(command, this.#form);
  }

  #numbered(command: Unnumbered): Command {
    this.#lastCmdId += 1;
    const cmdId = String(this.#lastCmdId);
    if (command.kind !== 'Atomic' && command.kind !== 'Sequence') return { ...command, cmdId };
    const commands = command.commands.map((nested) => this.#numbered(nested) as RequestCommand);
    return { ...command, cmdId, commands };
  }
}
