import {
  encodeCommand,
  type EncodedCommand,
  type EncodedEnvelope,
  encodeEnvelope,
  joinMessage,
  type WireForm,
} from '../message-parts.ts';
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

/** A command under its CmdID, and what it takes. */
interface Numbered {
  readonly command: Command;
  readonly encoded: EncodedCommand;
  /** The last CmdID, of what is nested in it included. */
  readonly lastCmdId: number;
}

/**
 * Commands of the application under the CmdIDs they had, by form and CmdID: those of a run go to each of its devices and
 * mostly get the same ones. Measured: 7 % (XML) to 19 % (WBXML) of what a session takes between HTTP and store
 * (2026-11-25, 2 cores, Node 20).
 */
const numberedBefore = new WeakMap<Unnumbered, Map<number, Numbered>>();
/** Of one command. A device gets a Status for each of its own commands before it, and few send more than three. */
const MAX_NUMBERED = 8;

/** A message that grows as commands are added, with CmdIDs from 1 up. Each part is encoded once. */
export class GrowingMessage {
  readonly hdr: SyncHdr;
  readonly commands: Command[] = [];
  readonly #form: WireForm;
  readonly #envelope: EncodedEnvelope;
  readonly #encoded: EncodedCommand[] = [];
  /** Room for commands. */
  readonly #maxBytes: number;
  #bytes = 0;
  /** Of what had to be there, whatever its size. */
  #fixedBytes = 0;
  #lastCmdId = 0;
  #tried: { readonly unnumbered: Unnumbered; readonly after: number; readonly numbered: Numbered } | undefined;

  /** `maxMsgBytes` bounds what is added by `addIfFits`; undefined: nothing does. */
  constructor(hdr: SyncHdr, form: WireForm, maxMsgBytes = Infinity) {
    this.hdr = hdr;
    this.#form = form;
    this.#envelope = encodeEnvelope(hdr, form);
    this.#maxBytes = maxMsgBytes - this.#envelope.bytes;
  }

  get bytesLeft(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** Adds a command whatever its size and answers it with its CmdID; nested commands get theirs after it. */
  add(command: Unnumbered): Command {
    const numbered = this.#numbered(command);
    this.#fixedBytes += numbered.encoded.bytes;
    return this.#append(numbered);
  }

  /** The same where it fits; else undefined, and nothing is added. */
  addIfFits(command: Unnumbered): Command | undefined {
    const key = 2 * this.#lastCmdId + (this.#form.encoding === 'xml' ? 0 : 1);
    const before = numberedBefore.get(command);
    const known = before?.get(key);
    const numbered = known ?? this.#numbered(command);
    if (numbered.encoded.bytes > this.bytesLeft) return undefined;
    // What has a CmdID has it from the application, which may send it again.
    if (known === undefined && 'cmdId' in command) {
      if (before === undefined || before.size >= MAX_NUMBERED) numberedBefore.set(command, new Map([[key, numbered]]));
      else before.set(key, numbered);
    }
    return this.#append(numbered);
  }

  /** Whether `addIfFits` would add it. */
  fits(command: Unnumbered): boolean {
    return this.#numbered(command).encoded.bytes <= this.bytesLeft;
  }

  /** Whether it would fit if it were the only one besides what had to be there. */
  fitsAlone(command: Unnumbered): boolean {
    return this.#numbered(command).encoded.bytes <= this.#maxBytes - this.#fixedBytes;
  }

  /** The message so far, and its octets. */
  end(final: boolean): { readonly message: Message; readonly octets: Uint8Array } {
    const octets = joinMessage(this.#envelope, this.#encoded, final);
    return { message: { hdr: this.hdr, body: this.commands, final }, octets };
  }

  #append({ command, encoded, lastCmdId }: Numbered): Command {
    this.commands.push(command);
    this.#encoded.push(encoded);
    this.#bytes += encoded.bytes;
    this.#lastCmdId = lastCmdId;
    return command;
  }

  /** What was asked about last is mostly what is added next. */
  #numbered(unnumbered: Unnumbered): Numbered {
    const after = this.#lastCmdId;
    if (this.#tried?.unnumbered !== unnumbered || this.#tried.after !== after) {
      this.#tried = { unnumbered, after, numbered: this.#number(unnumbered) };
    }
    return this.#tried.numbered;
  }

  #number(unnumbered: Unnumbered): Numbered {
    let lastCmdId = this.#lastCmdId;
    const number = (command: Unnumbered): Command => {
      lastCmdId += 1;
      const cmdId = String(lastCmdId);
      if (command.kind === 'Status') return numberedStatus(command, cmdId);
      if (command.kind !== 'Atomic' && command.kind !== 'Sequence') return { ...command, cmdId };
      return { ...command, cmdId, commands: command.commands.map((nested) => number(nested) as RequestCommand) };
    };
    const command = number(unnumbered);
    return { command, encoded: encodeCommand(command, this.#form), lastCmdId };
  }
}

/** One literal: a copy by spread of what comes in several shapes takes longer than the command takes to encode. */
function numberedStatus(status: Unnumbered<StatusCommand>, cmdId: string): StatusCommand {
  const { kind, msgRef, cmdRef, cmd, targetRefs, sourceRefs, cred, chal, code, items } = status;
  return { kind, cmdId, msgRef, cmdRef, cmd, targetRefs, sourceRefs, cred, chal, code, items };
}
