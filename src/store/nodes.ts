import type { Data } from '../protocol/message/message.ts';

/** A written leaf, and who wrote it last. */
export interface StoredNode {
  readonly format: string;
  readonly type: string;
  readonly data: Data;
  /** ServerID of the DM Server that wrote it last. */
  readonly writtenBy: string;
}

/** Title, time of the last change (epoch ms) and number of changes of a node. [TND 7.7] */
export interface StoredProperties {
  readonly title: string | undefined;
  readonly changedAt: number | undefined;
  readonly verNo: number;
}

/** What is kept of single nodes, by LocURI. Writes are durable when their promise resolves, and happen in their order. */
export interface NodeValues<T> {
  get(locUri: string): Promise<T | undefined>;
  /** Undefined removes it. */
  set(locUri: string, value: T | undefined): Promise<void>;
  /** Removes what is kept of the node and of all nodes below it. */
  forget(locUri: string): Promise<void>;
  /** What is kept of a node and of all nodes below it is that of another node now, in the place of what was kept there. */
  move(from: string, to: string): Promise<void>;
}

/** ACLs of nodes, as text. [TND 7.7.1] */
export interface AclValues extends NodeValues<string> {
  /** Every ACL there is, in the order of the LocURIs. */
  all(): Promise<readonly { readonly locUri: string; readonly acl: string }[]>;
}

/** Properties of nodes that were changed. [TND 7.7] */
export interface PropertyValues extends NodeValues<StoredProperties> {
  /** Counts a change: `changedAt` is `at`, and `verNo` one more, of 16 bits. */
  count(locUri: string, at: number): Promise<void>;
}

/** Values of the few leaves that a DM Server sets, by LocURI, and what is kept of nodes besides. Writes are durable when their promise resolves. */
export interface NodeStore {
  read(locUri: string): Promise<StoredNode | undefined>;
  write(locUri: string, node: StoredNode): Promise<void>;
  readonly acls: AclValues;
  readonly properties: PropertyValues;
}

/** Nonces of sessions with DM Servers, by ServerID. Writes are durable when their promise resolves. */
export interface PeerNonceStore {
  nonces(peer: string): Promise<{ own: Uint8Array; peer: Uint8Array }>;
  save(peer: string, nonces: { own?: Uint8Array | undefined; peer?: Uint8Array | undefined }): Promise<void>;
}

/** Digests of notifications under the reset nonce, which never changes: of each DM Server the last 64 that brought a session. */
export interface ResetNotificationStore {
  isServed(peer: string, digest: Uint8Array): Promise<boolean>;
  /** Durable when it resolves. */
  served(peer: string, digest: Uint8Array): Promise<void>;
}
