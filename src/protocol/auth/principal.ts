/** Authentication schemes; `none` means another layer vouches for the peer. [SEC 5] */
export type AuthScheme = 'none' | 'basic' | 'md5' | 'mac';

/** A name and what is kept of its secret. */
export interface Principal {
  readonly name: string;
  /** B64(H(name:password)), the only form of the secret that md5, MAC and notifications need. [SEC 5.3] */
  readonly digest: string;
  /** The plain secret, only where basic has to be sent. */
  readonly password?: string | undefined;
}

/** One direction of authentication between two peers: who proves what, and the nonce of the next proof. */
export interface Authentication {
  readonly scheme: AuthScheme;
  readonly principal: Principal;
  /** Octets of the last NextNonce for this direction; empty before the first challenge. */
  readonly nonce: Uint8Array;
}
