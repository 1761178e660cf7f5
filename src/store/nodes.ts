import type { Data } from '../protocol/message/message.ts';

/** A written leaf, and who wrote it last. */
export interface StoredNode {
  readonly format: string;
  readonly type: string;
  readonly data: Data;
  /** ServerID of the DM Server that wrote it last. */
  readonly writtenBy: string;
}

/** Values of the few leaves that a DM Server sets, by LocURI, and ACLs. Writes are durable when their promise resolves. */
export interface NodeStore {
  read(locUri: string): Promise<StoredNode | undefined>;
  write(locUri: string, node: StoredNode): Promise<void>;
  readAcl(locUri: string): Promise<string | undefined>;
  /** Undefined removes it. */
  writeAcl(locUri: string, acl: string | undefined): Promise<void>;
  /** Removes the ACL of the node and those of all nodes below it. */
  forgetAcls(locUri: string): Promise<void>;
}

/** Nonces of sessions with DM Servers, by ServerID. Writes are durable when their promise resolves. */
export interface PeerNonceStore {
  nonces(peer: string): Promise<{ own: Uint8Array; peer: Uint8Array }>;
  save(peer: string, nonces: { own?: Uint8Array | undefined; peer?: Uint8Array | undefined }): Promise<void>;
}
