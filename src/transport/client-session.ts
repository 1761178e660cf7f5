import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { ClientOutcome, OutgoingAlert } from '../protocol/session/client-types.ts';

/** What a client session needs from its surroundings. */
export interface ClientSessionPorts {
  /** Posts one message; rejects with a `TransportError` when no usable answer came. */
  exchange(request: DmRequest): Promise<DmResponse>;
  /** Executes the commands of one message, in order; pulled only as fast as answers can be sent. */
  execute(msgId: string, commands: readonly RequestCommand[]): AsyncIterable<Answer>;
  /** Alerts that came up since the last call, to go out in this session. */
  takeAlerts(): Promise<readonly OutgoingAlert[]>;
  /** A Status for an alert arrived. Durable when it resolves. */
  alertAnswered(ref: string, status: number): Promise<void>;
  /** New nonces. Durable when it resolves. */
  remember(nonces: { ownNonce?: Uint8Array | undefined; peerNonce?: Uint8Array | undefined }): Promise<void>;
  newNonce(): Uint8Array;
}

export interface DmRequest {
  readonly url: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

export interface DmResponse {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** How a session ended, including the ways only the transport knows. */
export type ClientSessionOutcome = ClientOutcome | { readonly kind: 'unreachable'; readonly reason: string };
