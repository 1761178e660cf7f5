import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { z } from 'zod';
import type { ResultShape } from '../../src/api/shapes.ts';
import { OUTCOMES } from '../../src/fanout/outcome.ts';
import { resultsOf, statusesOf } from './de-result.ts';
import { gatewayRun, numberOf, rowsOf, type ServerRun } from './runs.ts';
import type { Site } from './site.ts';

const clustersSchema = z.object({
  clusters: z.array(z.object({ key: z.string(), value: z.string(), members: z.int() })),
});
const verificationSchema = z.looseObject({ agrees: z.boolean(), differences: z.array(z.unknown()) });
const MAX_CLUSTERS = 1_000;

/**
 * Checks that rows, counts, clusters, digest and alert of an ended run are those of its rows, at the gateway and at the
 * DM Server, by what this file makes of the rows and by what the actors themselves recompute. Answers the rows.
 */
export async function expectAgreement(site: Site, run: ServerRun): Promise<readonly ResultShape[]> {
  const number = numberOf(run);
  const rows = await rowsOf(site.gateway, number);
  const kept = await gatewayRun(site, number);
  expect(rows.map(({ n }) => n)).toEqual(rows.map((_, index) => index + 1));
  expect(await rowsOf(site.server, run.id)).toEqual(rows);
  const counts = countsOf(rows);
  expect(kept.counts).toEqual(counts);
  expect(run.counts).toEqual(counts);
  expect(kept.digest).toBe(digestOf(rows));
  for (const kind of ['answer', 'status', 'value'] as const) {
    const path = `/api/v1/runs/${number}/clusters?kind=${kind}&limit=${MAX_CLUSTERS}`;
    const { clusters } = await site.gateway.get(path, clustersSchema);
    const found = clusters.map(({ key, value, members }) => `${key} = ${value}: ${members}`);
    expect(found.sort(), `clusters of ${kind}`).toEqual(clustersOf(rows, kind));
  }
  expect(run.alert).toMatchObject({ source: run.resultsUrl, ...alertOf(kept.state, counts) });
  for (const [api, id] of [
    [site.gateway, number],
    [site.server, run.id],
  ] as const) {
    const verification = await api.get(`/api/v1/runs/${id}/verification`, verificationSchema);
    expect(verification).toMatchObject({ agrees: true, differences: [] });
  }
  return rows;
}

function countsOf(rows: readonly ResultShape[]): Record<string, number> {
  const of = (outcome: string): number => rows.filter((row) => row.outcome === outcome).length;
  return { targets: rows.length, ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, of(outcome)])) };
}

/** Sum of the SHA-256 of all pairs modulo 2^256. */
function digestOf(rows: readonly ResultShape[]): string {
  const sum = rows.reduce((total, { n, deviceId, deResult }) => {
    const hash = createHash('sha256').update(JSON.stringify([n, deviceId, deResult]));
    return total + BigInt(`0x${hash.digest('hex')}`);
  }, 0n);
  return BigInt.asUintN(256, sum).toString(16).padStart(64, '0');
}

function clustersOf(rows: readonly ResultShape[], kind: 'answer' | 'status' | 'value'): string[] {
  const members = new Map<string, number>();
  for (const { deResult } of rows) {
    for (const fact of new Set(factsOf(deResult ?? '', kind))) members.set(fact, (members.get(fact) ?? 0) + 1);
  }
  return [...members].map(([fact, count]) => `${fact}: ${count}`).sort();
}

function factsOf(deResult: string, kind: 'answer' | 'status' | 'value'): string[] {
  switch (kind) {
    case 'answer':
      return [` = ${deResult}`];
    case 'status':
      return statusesOf(deResult).map(({ cmdRef, cmd, code }) => `${cmdRef} ${cmd} = ${code}`);
    case 'value':
      return resultsOf(deResult).map(({ locUri, data }) => `${locUri} = ${shown(data)}`);
  }
}

/** Of a long value its beginning and its digest are compared. */
function shown(value: string): string {
  if (value.length <= 200) return value;
  return `${value.slice(0, 120)}… sha256:${createHash('sha256').update(value).digest('hex')}`;
}

/** [FANOUT 6] */
function alertOf(state: string, { succeeded, targets }: Record<string, number>): { data: string; mark: string } {
  if (state === 'cancelled') return { data: '551', mark: 'warning' };
  if (succeeded === targets) return { data: '200', mark: 'informational' };
  return { data: succeeded ? '250' : '550', mark: 'warning' };
}
