import { describe, expect, it } from 'vitest';
import { connect } from '../../src/store/sqlite/driver.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { ending, newRun, T0, terms } from './store-fixture.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MEMBERS = 2_500;
const TABLES = ['target', 'answer', 'answer_text', 'facet_cluster', 'async_answer', 'deleted_run'];
const inFolder = temporaryFolder();

/** A database with a run of many members that is over, and one of theirs that told the end of an Exec. */
async function databaseWithRun(name: string): Promise<string> {
  const path = inFolder(name);
  const store = await openGatewayStore(`sqlite:${path}`);
  await store.groups.create('all');
  const members = Array.from({ length: MEMBERS }, (_, index) => ({ name: `${index}`, deviceId: `urn:dev:${index}` }));
  await store.groups.addMembers('all', members);
  await store.fanOut.createRun(newRun(), terms());
  await store.fanOut.claimDue(1, T0, { by: 'dueAt', limit: MEMBERS, maxTurns: 0 }, ({ n }) => ({
    kind: 'settle',
    ...ending('unreachable', String(n), 1),
  }));
  const [alert] = await store.fanOut.alertsOfRun(1);
  await store.fanOut.alertAccepted(alert?.id ?? 0, 1, T0);
  await store.close();
  return path;
}

async function rowsLeft(path: string): Promise<number[]> {
  const connection = await connect(path);
  const counts = TABLES.map(
    (table) => (connection.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number }).rows,
  );
  connection.close();
  return counts;
}

describe('deletion of a run', () => {
  it('store: is at once for whoever reads, and leaves no row', async () => {
    const path = await databaseWithRun('deleted.db');
    const gateway = await openGatewayStore(`sqlite:${path}`);
    const { fanOut } = gateway;
    const deletion = fanOut.deleteRun(1);
    while (await fanOut.run(1)) await new Promise((resolve) => setImmediate(resolve));
    expect(await fanOut.members(1, 0, 9)).toEqual([]);
    expect(await fanOut.member(1, MEMBERS)).toBeUndefined();
    expect(await fanOut.memberOfDevice(1, `urn:dev:${MEMBERS - 1}`)).toBeUndefined();
    expect(await fanOut.clusters(1, 'answer', 9)).toEqual([]);
    expect(await fanOut.clusterMembers(1, MEMBERS, 0, 9)).toEqual([]);
    const target = { run: 1, n: MEMBERS } as Parameters<typeof fanOut.settle>[0];
    expect((await fanOut.settle(target, ending('succeeded'), T0)).applied).toBe(false);
    expect(await fanOut.recordAsync(target, { cmdId: '1', data: '200', alert: '<a/>', at: T0 })).toBeUndefined();
    expect(await deletion).toBe(true);
    await gateway.close();
    expect(await rowsLeft(path)).toEqual(TABLES.map(() => 0));
  });

  it('store: goes on at the next start when it was cut short', async () => {
    const path = await databaseWithRun('cut-short.db');
    const gateway = await openGatewayStore(`sqlite:${path}`);
    const { fanOut } = gateway;
    const deletion = fanOut.deleteRun(1);
    while (await fanOut.run(1)) await new Promise((resolve) => setImmediate(resolve));
    await gateway.close();
    expect(await deletion).toBe(true);
    expect((await rowsLeft(path)).at(-1)).toBe(1);
    await (await openGatewayStore(`sqlite:${path}`)).close();
    expect(await rowsLeft(path)).toEqual(TABLES.map(() => 0));
  });
});
