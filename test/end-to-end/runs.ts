import type { z } from 'zod';
import { runSchema } from '../../src/api/run-shape.ts';
import { serverRunSchema } from '../../src/api/server-shape.ts';
import { resultSchema, type ResultShape } from '../../src/api/shapes.ts';
import type { ApiClient } from '../../src/app/api-client.ts';
import { type Site, until } from './site.ts';

/** A run as the DM Server that ordered it sees it. */
export type ServerRun = z.infer<typeof serverRunSchema>;
/** A run as its gateway sees it. */
export type GatewayRun = z.infer<typeof runSchema>;

export interface RunOrder {
  readonly group: string;
  readonly commands: string;
  readonly correlator?: string;
  readonly policy?: Readonly<Record<string, number | string | boolean>>;
}

const RUN_LIMIT_MS = 120_000;
const ENDED: readonly string[] = ['complete', 'cancelled', 'failed'];

/** Has the DM Server start a fan-out by DM sessions; answers its number there. */
export async function order({ server, gatewayId }: Site, wanted: RunOrder): Promise<number> {
  return (await server.post('/api/v1/runs', { gatewayId, ...wanted }, serverRunSchema)).id;
}

export function serverRun({ server }: Site, id: number): Promise<ServerRun> {
  return server.get(`/api/v1/runs/${id}`, serverRunSchema);
}

export function gatewayRun({ gateway }: Site, number: number): Promise<GatewayRun> {
  return gateway.get(`/api/v1/runs/${number}`, runSchema);
}

/** Waits until the DM Server has the results of the run, or knows that there will be none. */
export async function ended(site: Site, id: number, limitMs = RUN_LIMIT_MS): Promise<ServerRun> {
  let run = await serverRun(site, id);
  await until(`run ${id} is over`, limitMs, async () => {
    run = await serverRun(site, id);
    return ENDED.includes(run.state);
  });
  return run;
}

/** Waits until the gateway has told the DM Server which of its runs it is; answers its number at the gateway. */
export async function numberAtGateway(site: Site, id: number): Promise<number> {
  let run = await serverRun(site, id);
  await until(`run ${id} is at the gateway`, RUN_LIMIT_MS, async () => {
    run = await serverRun(site, id);
    if (run.error) throw new Error(run.error.message);
    return run.resultsUrl !== null;
  });
  return numberOf(run);
}

/** Waits until the run at the gateway is as it is to be. */
export async function reached(
  site: Site,
  number: number,
  what: string,
  isReached: (run: GatewayRun) => boolean,
): Promise<GatewayRun> {
  let run = await gatewayRun(site, number);
  await until(`run ${number}: ${what}`, RUN_LIMIT_MS, async () => {
    run = await gatewayRun(site, number);
    return isReached(run);
  });
  return run;
}

export function numberOf({ resultsUrl }: Pick<ServerRun, 'resultsUrl'>): number {
  return Number(/Results(\d+)$/.exec(resultsUrl ?? '')?.[1]);
}

export async function rowsOf(api: ApiClient, id: number): Promise<ResultShape[]> {
  const rows: ResultShape[] = [];
  for await (const row of api.rows(`/api/v1/runs/${id}/results`, resultSchema)) rows.push(row);
  return rows;
}

export function get(cmdId: string, locUri: string): string {
  return `<Get><CmdID>${cmdId}</CmdID><Item><Target><LocURI>${locUri}</LocURI></Target></Item></Get>`;
}

/** Replaces the label that a device lets a server write. */
export function write(cmdId: string, label: string): string {
  return `<Replace><CmdID>${cmdId}</CmdID><Item><Target><LocURI>./Vendor/Demo/Label</LocURI></Target><Data>${label}</Data></Item></Replace>`;
}

/** The Correlator tells in the log of a device which run an Exec belongs to. */
export function exec(cmdId: string, name: 'Reset' | 'Update', correlator: string): string {
  return `<Exec><CmdID>${cmdId}</CmdID><Correlator>${correlator}</Correlator><Item><Target><LocURI>./Vendor/Demo/${name}</LocURI></Target></Item></Exec>`;
}
