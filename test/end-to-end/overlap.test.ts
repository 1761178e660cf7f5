import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAgreement } from './agreement.ts';
import { resultsOf } from './de-result.ts';
import { executedBy } from './exec-evidence.ts';
import { ended, exec, get, numberAtGateway, order, reached, serverRun, write } from './runs.ts';
import { deviceIdOf, makeSite, type Site } from './site.ts';

const DEVICES = 60;
const RUNS = ['run-1', 'run-2', 'run-3'] as const;

let site: Site;

beforeAll(async () => {
  // Few at a time, and some that take seconds: the first run is under way when the others start.
  site = await makeSite({ devices: DEVICES, seed: 4, faults: 'slow=5', isTraced: false, fanout: { concurrency: 6 } });
  await site.start('server');
  await site.start('gateway');
  await site.start('devices');
  await site.makeGroup('all');
});

afterAll(() => site.close());

describe('runs to the same devices', () => {
  it('gateway: brings every answer to its own run, and the runs of a device in the order of their starts', async () => {
    const ids: number[] = [];
    for (const [index, label] of RUNS.entries()) {
      const commands = write('1', label) + get('2', './Vendor/Demo/Label') + exec('3', 'Reset', label);
      const id = await order(site, { group: 'all', commands, correlator: label });
      const number = await numberAtGateway(site, id);
      const isUnderWay = ({ targets, pending }: { targets: number; pending: number }) => pending < targets;
      if (index === 0) await reached(site, number, 'has answers', ({ counts }) => isUnderWay(counts));
      ids.push(id);
    }
    expect((await serverRun(site, ids[0]!)).endedAt).toBeNull();
    for (const [index, label] of RUNS.entries()) {
      const run = await ended(site, ids[index]!);
      expect(run).toMatchObject({ state: 'complete', correlator: label, alert: { data: '200', correlator: label } });
      const rows = await expectAgreement(site, run);
      for (const { deviceId, deResult } of rows) {
        expect(
          resultsOf(deResult).map(({ data }) => data),
          `${deviceId} ${label}`,
        ).toEqual([label]);
      }
    }
    const executed = await executedBy(site.execLog);
    for (let index = 0; index < DEVICES; index += 1) expect(executed.get(deviceIdOf(index))).toEqual(RUNS);
  });
});
