import type { Mac } from '../auth/credentials.ts';
import type { Authentication } from '../auth/principal.ts';
import type { WireForm } from '../codec.ts';
import type { AlertCommand, Answer, Item, Message, RequestCommand, Unnumbered } from '../message/message.ts';

/** An alert of ours, with the caller's own mark to recognise its Status by. */
export interface OutgoingAlert {
  readonly ref: string;
  readonly alert: Unnumbered<AlertCommand>;
}

/** What a DM client brings into a session. */
export interface ClientSetup {
  readonly sessionId: string;
  /** First URL to post to; also the Target LocURI. */
  readonly serverUri: string;
  /** Source LocURI: the device id. */
  readonly clientUri: string;
  readonly form: WireForm;
  /** How we prove ourselves to the server. */
  readonly own: Authentication;
  /** How the server proves itself to us; its principal name is the ServerID. */
  readonly peer: Authentication;
  readonly maxMsgBytes: number;
  readonly maxObjBytes: number;
  /** Alert of package 1: 1200 after a notification, else 1201. */
  readonly managementAlert: 1200 | 1201;
  /** Items of the Replace in package 1, one per DevInfo leaf. */
  readonly devInfo: readonly Item[];
  /** Further alerts of package 1. */
  readonly alerts: readonly OutgoingAlert[];
}

export type ClientInput =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'received';
      readonly message: Message;
      /** The MAC that came with it. */
      readonly mac?: Mac | undefined;
      /** Octets nobody could have foreseen, for a challenge this message may need. */
      readonly freshNonce: Uint8Array;
    }
  /** Answers to the commands of the last `execute`, as many as the runner pulled; and alerts that came up meanwhile. */
  | {
      readonly kind: 'produced';
      readonly answers: readonly Answer[];
      readonly done: boolean;
      readonly alerts: readonly OutgoingAlert[];
    };

export type ClientEffect =
  /** Post the octets of `message` to `url` with the MAC of `signer` where its scheme is mac, decode, and step with `received`. */
  | {
      readonly kind: 'post';
      readonly url: string;
      readonly message: Message;
      readonly octets: Uint8Array;
      readonly signer: Authentication;
    }
  /** Start to execute these commands (maybe none), then pull as for `produce`. `maxObjBytes`: no value may take more on its way. */
  | {
      readonly kind: 'execute';
      readonly msgId: string;
      readonly commands: readonly RequestCommand[];
      readonly maxObjBytes: number | undefined;
    }
  /** Pull further answers until about `maxBytes` of them or the end, then step with `produced`. */
  | { readonly kind: 'produce'; readonly maxBytes: number }
  /** Store before the next post. A direction that did not change is absent. */
  | {
      readonly kind: 'remember';
      readonly ownNonce?: Uint8Array | undefined;
      readonly peerNonce?: Uint8Array | undefined;
    }
  | { readonly kind: 'alertAnswered'; readonly ref: string; readonly status: number }
  | { readonly kind: 'closed'; readonly outcome: ClientOutcome };

/**
 * How a session ended: `completed`; `refused`, the server did not accept our credentials or our session (`status` says
 * why); `distrusted`, the server could not prove itself; `aborted` by Alert 1223; `malformed`, an answer that breaks the
 * protocol.
 */
export type ClientOutcome =
  | { readonly kind: 'completed' }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'distrusted' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'malformed'; readonly reason: string };
