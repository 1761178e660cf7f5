/** What SQLite can hold and what can be bound to a statement. */
export type SqlValue = null | number | string | Uint8Array;

/** A prepared statement; the part of `StatementSync` of `node:sqlite` that the store uses. */
export interface Statement {
  run(...values: SqlValue[]): { readonly changes: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

/** A connection; the part of `DatabaseSync` of `node:sqlite` that the store uses. All calls are synchronous. */
export interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface SqliteModule {
  readonly DatabaseSync: new (path: string) => Connection;
}

/** Opens the file, or makes it. The engine is Node's own where Node has it, else a package with the same API. */
export async function connect(path: string): Promise<Connection> {
  const builtIn = process.getBuiltinModule('node:sqlite') as SqliteModule | undefined;
  const { DatabaseSync } = builtIn ?? (await import('@photostructure/sqlite'));
  return new DatabaseSync(path);
}

/** Primary result codes of SQLite that mean something to whoever runs the store. */
export const SQLITE = { busy: 5, locked: 6, readOnly: 8, full: 13, cannotOpen: 14, notADatabase: 26 } as const;

/** Primary result code of an error that SQLite reported; undefined: it comes from somewhere else. */
export function resultCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}
