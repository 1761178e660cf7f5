/**
 * The DM message as typed, immutable data. Text is kept as the peer wrote it (SessionID, MsgID, CmdID are opaque);
 * both codecs read and write these shapes through the element table. [REPPRO 5]
 */

/** Content of Data: text, or octets where the peer sent something that XML text cannot hold. */
export type Data = string | Uint8Array;

/** Target or Source. */
export interface Location {
  readonly locUri: string;
  readonly locName?: string | undefined;
  /** Target only. */
  readonly filter?: Filter | undefined;
}

/** Narrows a Target down. DM gives it no meaning; it is kept as the peer wrote it. */
export interface Filter {
  readonly meta?: Meta | undefined;
  readonly field?: Item | undefined;
  readonly record?: Item | undefined;
  readonly filterType?: string | undefined;
}

/** MetInf values that apply to a command, an Item, a header or a challenge. Numbers are decimal text on the wire. [METINF 5] */
export interface Meta {
  readonly format?: string | undefined;
  readonly type?: string | undefined;
  readonly mark?: string | undefined;
  /** Bytes as transferred; of the whole object when the Item is the first chunk of one. */
  readonly size?: number | undefined;
  /** Base64 text as transferred; empty text means: empty nonce. */
  readonly nextNonce?: string | undefined;
  readonly version?: string | undefined;
  readonly maxMsgBytes?: number | undefined;
  readonly maxObjBytes?: number | undefined;
  readonly emi?: readonly string[] | undefined;
}

export interface Cred {
  readonly meta?: Meta | undefined;
  readonly data: string;
}

export interface Item {
  readonly target?: Location | undefined;
  readonly source?: Location | undefined;
  readonly sourceParent?: string | undefined;
  readonly targetParent?: string | undefined;
  readonly meta?: Meta | undefined;
  readonly data?: Data | undefined;
  /** True on every chunk of a large object but the last. */
  readonly moreData?: boolean | undefined;
}

interface RequestBase {
  readonly cmdId: string;
  readonly noResp?: boolean | undefined;
  readonly cred?: Cred | undefined;
  readonly meta?: Meta | undefined;
}

/** Add, Replace, Copy, Get, Delete: a verb over Items. */
export interface ItemCommand extends RequestBase {
  readonly kind: 'Add' | 'Replace' | 'Copy' | 'Get' | 'Delete';
  readonly items: readonly Item[];
  /** Delete only. */
  readonly archive?: boolean | undefined;
  /** Delete only. */
  readonly sftDel?: boolean | undefined;
  /** Get only. */
  readonly lang?: string | undefined;
}

export interface ExecCommand extends RequestBase {
  readonly kind: 'Exec';
  readonly correlator?: string | undefined;
  readonly items: readonly Item[];
}

export interface AlertCommand {
  readonly kind: 'Alert';
  readonly cmdId: string;
  readonly noResp?: boolean | undefined;
  readonly cred?: Cred | undefined;
  /** Alert code. Absent where the peer left Data out. */
  readonly code?: number | undefined;
  readonly correlator?: string | undefined;
  readonly items: readonly Item[];
}

/** Atomic and Sequence. */
export interface ContainerCommand {
  readonly kind: 'Atomic' | 'Sequence';
  readonly cmdId: string;
  readonly noResp?: boolean | undefined;
  readonly meta?: Meta | undefined;
  readonly commands: readonly RequestCommand[];
}

/** A command of the data synchronisation grammar. It is read so that it can be refused with a Status. */
export interface ForeignCommand {
  readonly kind: 'Foreign';
  /** Element name. */
  readonly name: 'Sync' | 'Map' | 'Put' | 'Search' | 'Move';
  readonly cmdId: string;
}

/** A command that asks the peer for something and is answered with a Status. */
export type RequestCommand = ItemCommand | ExecCommand | AlertCommand | ContainerCommand | ForeignCommand;

export interface StatusCommand {
  readonly kind: 'Status';
  readonly cmdId: string;
  readonly msgRef: string;
  /** `0` refers to the SyncHdr. */
  readonly cmdRef: string;
  /** Element name of the answered command, or `SyncHdr`. */
  readonly cmd: string;
  readonly targetRefs: readonly string[];
  readonly sourceRefs: readonly string[];
  readonly cred?: Cred | undefined;
  /** Meta of the challenge. */
  readonly chal?: Meta | undefined;
  /** Status code. */
  readonly code: number;
  readonly items: readonly Item[];
}

export interface ResultsCommand {
  readonly kind: 'Results';
  readonly cmdId: string;
  /** Absent means `1`. */
  readonly msgRef?: string | undefined;
  readonly cmdRef: string;
  readonly meta?: Meta | undefined;
  readonly targetRef?: string | undefined;
  readonly sourceRef?: string | undefined;
  readonly items: readonly Item[];
}

/** What answers a command. */
export type ResponseCommand = StatusCommand | ResultsCommand;

export type Command = RequestCommand | ResponseCommand;

export interface SyncHdr {
  readonly verDtd: string;
  readonly verProto: string;
  /** Opaque: echoed, never parsed. */
  readonly sessionId: string;
  readonly msgId: string;
  readonly target: Location;
  readonly source: Location;
  readonly respUri?: string | undefined;
  readonly noResp?: boolean | undefined;
  readonly cred?: Cred | undefined;
  /** MaxMsgSize and MaxObjSize of the sender stand here. */
  readonly meta?: Meta | undefined;
}

export interface Message {
  readonly hdr: SyncHdr;
  readonly body: readonly Command[];
  readonly final: boolean;
}

/** The element name of a command, as CMD and Status/Cmd spell it. */
export function commandName(command: Command): string {
  return command.kind === 'Foreign' ? command.name : command.kind;
}

/** The commands in document order: a container, then what is nested in it. */
export function* everyCommand(commands: readonly RequestCommand[]): Generator<RequestCommand, void> {
  for (const command of commands) {
    yield command;
    if (command.kind === 'Atomic' || command.kind === 'Sequence') yield* everyCommand(command.commands);
  }
}

/** A command before the session gives it its CmdID. */
export type Unnumbered<C extends Command = Command> = C extends Command ? Omit<C, 'cmdId'> : never;

/** An answer to a command of one message, before the session gives it its CmdID and MsgRef. */
export type Answer<C extends ResponseCommand = ResponseCommand> = C extends ResponseCommand
  ? Omit<C, 'cmdId' | 'msgRef'>
  : never;
