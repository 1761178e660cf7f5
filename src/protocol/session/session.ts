/**
 * Both ends of a DM session as pure steps: state and input in, next state and effects out. Whoever performs the effects
 * owns sockets, clocks and storage. [DMPROTO 8, SEC 5]
 */
export type { Authentication, AuthScheme, Principal } from '../auth/principal.ts';
export { digestOf } from '../auth/digest.ts';
export { type ClientState, type ClientStep, clientStart, stepClient } from './client.ts';
export type * from './client-types.ts';
export { type ServerState, type ServerStep, serverStart, stepServer } from './server.ts';
export type * from './server-types.ts';
