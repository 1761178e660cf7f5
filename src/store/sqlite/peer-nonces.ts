import type { PeerNonceStore } from '../nodes.ts';
import type { Database } from './database.ts';

/** In the database of either role. */
export const PEER_NONCE_TABLE = `CREATE TABLE peer_nonce (
  peer TEXT PRIMARY KEY,
  own_nonce BLOB NOT NULL,
  peer_nonce BLOB NOT NULL
) STRICT`;

/** Nonces of sessions, in SQLite; a peer that is not known yet has empty ones. */
export function createPeerNonceStore(database: Database): PeerNonceStore {
  const read = database.query<{ own: Uint8Array; peer: Uint8Array }>(
    `SELECT own_nonce AS own, peer_nonce AS peer FROM peer_nonce WHERE peer = ?`,
  );
  const write = database.command(
    `INSERT INTO peer_nonce (peer, own_nonce, peer_nonce) VALUES (?1, coalesce(?2, x''), coalesce(?3, x''))
     ON CONFLICT DO UPDATE SET own_nonce = coalesce(?2, own_nonce), peer_nonce = coalesce(?3, peer_nonce)`,
  );
  return {
    nonces: (peer) =>
      database.read(() => {
        const row = read.first(peer);
        return { own: row?.own ?? new Uint8Array(), peer: row?.peer ?? new Uint8Array() };
      }),
    save: (name, { own, peer }) =>
      database.write(() => {
        write(name, own ?? null, peer ?? null);
      }),
  };
}
