import type { Mac } from '../auth/credentials.ts';
import type { Authentication } from '../auth/principal.ts';
import type { WireForm } from '../codec.ts';
import type { AlertCommand, Answer, Item, Message, RequestCommand } from '../message/message.ts';

/** What a DM server brings into a session with one client. */
export interface ServerSetup {
  /** Source LocURI of our messages. */
  readonly serverUri: string;
  /** How we prove ourselves to the client; the principal name is our ServerID. */
  readonly own: Authentication;
  /** How the client proves itself to us; undefined for a client we do not know: no proof will do, and it cannot tell. */
  readonly peer: Authentication | undefined;
  /** Both directions as they were before a rotation of secrets; a client that still uses them gets its answers by them. */
  readonly former?: { readonly own: Authentication; readonly peer: Authentication } | undefined;
  /** Scheme an unknown client is challenged with. */
  readonly defaultScheme: 'basic' | 'md5' | 'mac';
  readonly maxMsgBytes: number;
  readonly maxObjBytes: number;
  /** Limits of a client that tells none. */
  readonly peerMaxMsgBytes?: number | undefined;
  readonly peerMaxObjBytes?: number | undefined;
  /** RespURI to give to the client, for stickiness. */
  readonly respUri?: string | undefined;
}

export type ServerInput =
  | {
      readonly kind: 'received';
      readonly message: Message;
      /** The MAC that came with it. */
      readonly mac?: Mac | undefined;
      readonly form: WireForm;
      /** Octets nobody could have foreseen, for a challenge or a NextNonce. */
      readonly freshNonce: Uint8Array;
    }
  /** The application has taken the delivery in, durably, and says what goes out. */
  | { readonly kind: 'decided'; readonly decision: Decision };

/** What one message of an authenticated client brought, in the application's own terms. */
export interface Delivery {
  /** True for the first delivery of the session. */
  readonly first: boolean;
  /** True when the client's package is complete, so that new commands may go out. */
  readonly final: boolean;
  /** DevInfo leaves of package 1. */
  readonly devInfo: readonly Item[];
  /** Client alerts 1224 and 1226; each needs a Status from the decision. */
  readonly alerts: readonly AlertCommand[];
  /** Alert code of package 1, 1200 or 1201, when it is in this message. */
  readonly managementAlert: number | undefined;
  /** Answers to the application's commands; CmdRef is the CmdID the application gave, nested ones included. */
  readonly answers: readonly Answer[];
  /** Answers that refer to nothing that was sent. */
  readonly strayAnswers: number;
  /** CmdIDs of the application's commands that were sent and have no Status yet. */
  readonly outstanding: readonly string[];
  /** The client's limits, where it has told them. */
  readonly peerMaxMsgBytes: number | undefined;
  readonly peerMaxObjBytes: number | undefined;
  readonly form: WireForm;
  /** The client proved itself by what it had before a rotation, and the nonces belong to that. */
  readonly usesFormer?: boolean | undefined;
  /** To be durable with the delivery. A direction that did not change is absent. */
  readonly nonces: { readonly own?: Uint8Array | undefined; readonly peer?: Uint8Array | undefined };
}

export interface Decision {
  /** The client is not who it says it is: it gets 401 for everything, and the session ends. */
  readonly isRefused?: boolean;
  /** Status codes for `alerts`, in their order. */
  readonly alertStatuses: readonly number[];
  /** Commands to send next, with CmdIDs of the application's own, unique in the list; empty ends the session. Ignored while the delivery is not final. */
  readonly commands: readonly RequestCommand[];
}

export type ServerEffect =
  /** Answer with the octets of `message` and the MAC of `signer` where its scheme is mac, and keep them for a repeat of the same message. */
  | {
      readonly kind: 'reply';
      readonly message: Message;
      readonly octets: Uint8Array;
      readonly signer: Authentication | undefined;
    }
  /** Hand to the application, then step with `decided`. */
  | { readonly kind: 'deliver'; readonly delivery: Delivery }
  | { readonly kind: 'closed'; readonly outcome: ServerOutcome };

/**
 * How a session ended: `completed`; `unauthorized`, the client could not prove itself; `refused`, the client did not
 * accept our credentials and executed nothing of what was last sent; `aborted` by the client's Alert 1223; `unsupported`,
 * the client speaks another version of the protocol.
 */
export type ServerOutcome = 'completed' | 'unauthorized' | 'refused' | 'aborted' | 'unsupported';
