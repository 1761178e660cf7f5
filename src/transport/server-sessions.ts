import type { Decision, Delivery, ServerOutcome, ServerSetup } from '../protocol/session/server-types.ts';

/** One DM session as the application sees it. */
export interface SessionIdentity<Peer> {
  /** Unique among the sessions of this process. */
  readonly key: number;
  readonly sessionId: string;
  /** Source LocURI of the client. */
  readonly source: string;
  /** What `identify` found; undefined only before authentication. */
  readonly peer: Peer;
}

/** What a DM server does with sessions: the southbound side of a gateway, or the DM Server role. */
export interface ServerApplication<Peer> {
  /**
   * Finds the account of a client by its Source LocURI and, where it sent one, the user name. An unknown client gets a
   * setup all the same (without `peer`), so that it is answered like a known one.
   */
  identify(source: string, userName: string | undefined): Promise<{ setup: ServerSetup; peer: Peer | undefined }>;
  /** Takes in what an authenticated client said and decides what it is told next. Durable when it resolves. */
  deliver(session: SessionIdentity<Peer>, delivery: Delivery): Promise<Decision>;
  /** The session is over, or its client has been silent for too long. Called once per authenticated or failed session. */
  ended(session: SessionIdentity<Peer>, outcome: ServerOutcome | 'timed-out'): Promise<void>;
}
