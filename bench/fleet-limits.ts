/** Kept-alive connections that the devices of a fleet share. */
export const SHARED_CONNECTIONS = 128;
/** Sessions with a connection of their own that are open at a time: as many as a run lets begin. */
export const OWN_CONNECTIONS = 256;

/** Sessions of a fleet at a time. */
export function maxSessionsFor(connections: 'shared' | 'per-session'): number {
  return connections === 'shared' ? SHARED_CONNECTIONS : OWN_CONNECTIONS;
}
