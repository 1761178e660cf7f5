import { macHeaderFor, readMacHeader } from '../protocol/auth/mac-header.ts';
import { decodeMessage, type DecodeLimits } from '../protocol/codec.ts';
import { DecodeError, DmError } from '../protocol/errors.ts';
import type { Answer, Data, RequestCommand } from '../protocol/message/message.ts';
import { transferredBytes } from '../protocol/session/chunks.ts';
import { clientStart, stepClient } from '../protocol/session/client.ts';
import type {
  ClientEffect,
  ClientInput,
  ClientOutcome,
  ClientSetup,
  OutgoingAlert,
} from '../protocol/session/client-types.ts';
import { AnswerSource } from './answer-source.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { oneLine } from './http-answer.ts';
import { contentTypeOf, encodingOf } from './media-type.ts';
import { TransportError } from './transport-error.ts';

/** What a client session needs from its surroundings. */
export interface ClientSessionPorts {
  /** Posts one message; rejects with a `TransportError` when no usable answer came. */
  exchange(request: DmRequest): Promise<DmResponse>;
  /**
   * Executes the commands of one message, in order; pulled only as fast as answers can be sent. `fits`: whether the
   * server takes a value of that size; one that does not fit is not to be answered.
   */
  execute(msgId: string, commands: readonly RequestCommand[], fits: (data: Data) => boolean): AsyncIterable<Answer>;
  /** Alerts that came up since the last call, to go out in this session. */
  takeAlerts(): Promise<readonly OutgoingAlert[]>;
  /** A Status for an alert arrived. Durable when it resolves. */
  alertAnswered(ref: string, status: number): Promise<void>;
  /** New nonces. Durable when it resolves. */
  remember(nonces: { ownNonce?: Uint8Array | undefined; peerNonce?: Uint8Array | undefined }): Promise<void>;
  newNonce(): Uint8Array;
}

/** One message on its way to a DM server. */
export interface DmRequest {
  readonly url: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Value of the x-syncml-hmac header. [SEC 5.4] */
  readonly mac?: string | undefined;
  /** Address it came from, on the side that takes it in. */
  readonly from?: string | undefined;
  /** Tells the one who posts that nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** One message that answers another. */
export interface DmResponse {
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Value of the x-syncml-hmac header. [SEC 5.4] */
  readonly mac?: string | undefined;
}

/** How a session ended, including the ways only the transport knows. */
export type ClientSessionOutcome = ClientOutcome | { readonly kind: 'unreachable'; readonly reason: string };

/** Bounds on a client session. */
export interface ClientSessionOptions {
  /** How often a message is posted again, the same to the byte, when its answer was lost. Default 1. */
  readonly maxReposts?: number | undefined;
  /** How long the session may last. Default 900,000. */
  readonly totalTimeoutMs?: number | undefined;
  /** Hosts a RespURI may lead to besides that of `serverUri`: a peer must not choose what this host posts to. */
  readonly respUriHosts?: readonly string[] | undefined;
  readonly decodeLimits?: DecodeLimits | undefined;
  readonly clock?: Clock | undefined;
}

type Ended = { readonly kind: 'ended'; readonly outcome: ClientSessionOutcome };

/**
 * Runs one session of a DM client: performs the effects of its steps in their order until it is closed. What the server
 * or the network does ends in an outcome; a rejection comes from the caller's own ports. [DMPROTO 8]
 */
export async function runClientSession(
  setup: ClientSetup,
  ports: ClientSessionPorts,
  options: ClientSessionOptions = {},
): Promise<ClientSessionOutcome> {
  const { clock = SYSTEM_CLOCK, totalTimeoutMs = 900_000 } = options;
  const timeout = new AbortController();
  const cancelTimeout = clock.after(totalTimeoutMs, () => timeout.abort());
  const source = new AnswerSource(setup.form);
  try {
    let state = clientStart(setup);
    let input: ClientInput | Ended = { kind: 'open' };
    while (input.kind !== 'ended') {
      const step = stepClient(state, input);
      state = step.next;
      input = await perform(step.effects);
    }
    return input.outcome;
  } finally {
    cancelTimeout();
    await source.close();
  }

  async function perform(effects: readonly ClientEffect[]): Promise<ClientInput | Ended> {
    let input: ClientInput | Ended | undefined;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'post':
          input = await post(effect);
          break;
        case 'execute':
          await source.start(ports.execute(effect.msgId, effect.commands, within(effect.maxObjBytes)));
          input = await produced(setup.maxMsgBytes);
          break;
        case 'produce':
          input = await produced(effect.maxBytes);
          break;
        case 'remember':
          await ports.remember(effect);
          break;
        case 'alertAnswered':
          await ports.alertAnswered(effect.ref, effect.status);
          break;
        case 'closed':
          input = ended(effect.outcome);
          break;
      }
    }
    if (input === undefined) throw new DmError('SESSION_STALLED', 'the client session has nothing to wait for');
    return input;
  }

  function within(maxObjBytes = Infinity): (data: Data) => boolean {
    return (data) => transferredBytes(data, setup.form) <= maxObjBytes;
  }

  async function produced(maxBytes: number): Promise<ClientInput> {
    const pulled = await source.pull(maxBytes);
    return { kind: 'produced', ...pulled, alerts: await ports.takeAlerts() };
  }

  async function post({ url, octets, signer }: Extract<ClientEffect, { kind: 'post' }>): Promise<ClientInput | Ended> {
    const target = targetOf(url);
    if (typeof target === 'string') return ended({ kind: 'malformed', reason: target });
    const request = {
      url: target.href,
      contentType: contentTypeOf(setup.form.encoding),
      body: octets,
      mac: macHeaderFor(octets, signer),
      signal: timeout.signal,
    };
    try {
      const response = await exchange(request);
      const encoding = encodingOf(response.contentType);
      if (encoding === undefined) return ended({ kind: 'malformed', reason: 'the answer is no DM message' });
      const decoded = decodeMessage(response.body, encoding, options.decodeLimits);
      const mac = readMacHeader(response.mac, response.body);
      return { kind: 'received', message: decoded.message, mac, freshNonce: ports.newNonce() };
    } catch (error) {
      if (error instanceof DecodeError) return ended({ kind: 'malformed', reason: `${error.code}: ${error.message}` });
      if (error instanceof TransportError) return ended({ kind: 'unreachable', reason: error.message });
      throw error;
    }
  }

  async function exchange(request: DmRequest): Promise<DmResponse> {
    for (let reposts = options.maxReposts ?? 1; ; reposts--) {
      try {
        return await unlessAborted(() => ports.exchange(request), timeout.signal);
      } catch (error) {
        if (timeout.signal.aborted) {
          throw new TransportError('TRANSPORT_TIMEOUT', `the session took longer than ${totalTimeoutMs} ms`, {
            cause: error,
          });
        }
        if (reposts <= 0 || !isAnswerLost(error)) throw error;
      }
    }
  }

  /**
   * Where to post, or why not: a RespURI comes from a peer that may not even have proved itself. Peer: some servers leave
   * out what is the same as before.
   */
  function targetOf(url: string): URL | string {
    const own = new URL(setup.serverUri);
    if (url === setup.serverUri) return own;
    const base = /^[/?]/.test(url) ? own.href : undefined;
    const target = URL.canParse(url, base) ? new URL(url, base) : undefined;
    if (target === undefined) return `RespURI '${oneLine(url, 80)}' is no URL`;
    const hosts = [own.hostname, ...(options.respUriHosts ?? [])];
    if (target.protocol !== own.protocol || !hosts.includes(target.hostname)) {
      return `RespURI leads to ${oneLine(target.origin, 80)}, which is not allowed`;
    }
    return target;
  }
}

function ended(outcome: ClientSessionOutcome): Ended {
  return { kind: 'ended', outcome };
}

/** The server may have taken the message in: only the same message again gets what it answered. */
function isAnswerLost(error: unknown): boolean {
  return error instanceof TransportError && (error.code === 'TRANSPORT_LOST' || error.code === 'TRANSPORT_TIMEOUT');
}

/** Rejects as soon as the signal says so, whatever becomes of the work; after that none is begun. */
function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new TransportError('TRANSPORT_TIMEOUT', 'given up'));
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
