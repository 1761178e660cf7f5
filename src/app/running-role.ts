/** A role of this process that is up. */
export interface RunningRole {
  /** Where it can be reached, by kind: `dm`, `api`, `notifications`. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Stops taking work, lets what is in flight settle, closes the store. */
  close(): Promise<void>;
}
