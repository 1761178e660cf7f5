import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../src/protocol/message/message.ts';
import { treeFixture, valuesOf } from './tree-fixture.ts';

const COMMANDS = '<Get><CmdID>1</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
const UPDATE = '<Exec><CmdID>1</CmdID><Item><Target><LocURI>./FUMO/Update</LocURI></Target></Item></Exec>';
const XML = { format: 'xml', type: 'text/xml' };
const INT = { format: 'int' };
const SCM = './SCM/FanOut';
const POLICY = `${SCM}/Ext/Policy`;
const RUNS = `${SCM}/Ext/Runs`;
const GROUP = './GwConfig/DeviceGroups/meters';

type Fixture = Awaited<ReturnType<typeof treeFixture>>;
let tree: Fixture;

beforeEach(async () => {
  tree = await treeFixture({ maxActiveRuns: 10 });
  for (const n of [1, 2]) await tree.add(`${GROUP}/Members/${n}/DeviceID`, `urn:dev:${n}`);
});

afterEach(() => tree.close());

async function start(commands = COMMANDS, correlator?: string) {
  await tree.replace(`${SCM}/ToBeFannedOut`, commands, XML);
  await tree.replace(`${SCM}/TargetGroupRef`, GROUP);
  return tree.exec(`${SCM}/Start`, correlator);
}

async function answer(deviceId: string, code = 200, value = 'A'): Promise<void> {
  const device = await tree.store.devices.byDeviceId(deviceId);
  const carrier = { form: { encoding: 'xml' }, maxMsgBytes: undefined, maxObjBytes: undefined } as const;
  const assignment = await tree.engine.nextFor(device!.key, carrier);
  const [command] = assignment!.commands;
  const status: Answer = {
    kind: 'Status',
    cmdRef: '1',
    cmd: command!.kind,
    targetRefs: [],
    sourceRefs: [],
    code,
    items: [],
  };
  const results: Answer = {
    kind: 'Results',
    cmdRef: '1',
    items: [{ source: { locUri: './DevInfo/Mod' }, data: value }],
  };
  await tree.engine.answered(assignment!, code === 200 ? [status, results] : [status]);
}

const dataOf = async (locUri: string) => (await tree.get(locUri)).items[0]?.data;

describe('Ext/Policy', () => {
  it('gateway: keeps a value as it was written and gives it to the next run', async () => {
    expect(await dataOf(POLICY)).toBe('');
    expect((await tree.replace(`${POLICY}/Concurrency`, '7', INT)).code).toBe(200);
    expect((await tree.add(`${POLICY}/Waves`, '1,50%')).code).toBe(200);
    expect((await tree.replace(`${POLICY}/AwaitAsync`, 'true', { format: 'bool' })).code).toBe(200);
    expect((await tree.replace(`${POLICY}/Offline`, 'skip', {})).code).toBe(200);
    expect(valuesOf(await tree.get(`${POLICY}?list=StructData`))).toEqual({
      [`${POLICY}/Concurrency`]: '7',
      [`${POLICY}/Offline`]: 'skip',
      [`${POLICY}/Waves`]: '1,50%',
      [`${POLICY}/AwaitAsync`]: 'true',
    });
    await start();
    expect((await tree.store.fanOut.run(1))?.policy).toMatchObject({
      concurrency: 7,
      offline: 'skip',
      waves: [
        { kind: 'members', members: 1 },
        { kind: 'percent', percent: 50 },
      ],
      awaitAsync: true,
      attempts: 3,
    });
  });

  it('gateway: gives a run the policy of its Start, whatever is written afterwards', async () => {
    await tree.replace(`${POLICY}/Attempts`, '5', INT);
    await start();
    await tree.replace(`${POLICY}/Attempts`, '6', INT);
    await start();
    expect((await tree.store.fanOut.run(1))?.policy.attempts).toBe(5);
    expect((await tree.store.fanOut.run(2))?.policy.attempts).toBe(6);
  });

  it.each([
    ['Concurrency', '0', INT, '1 to 100000'],
    ['Quorum', '101', INT, '0 to 100'],
    ['Offline', 'never', {}, 'wait or skip'],
    ['Waves', '0', {}, '1 to'],
    ['NotBefore', 'tomorrow', {}, 'a time in UTC'],
  ])('gateway: refuses %s %s and says what is allowed', async (name, value, meta, allowed) => {
    const reply = await tree.replace(`${POLICY}/${name}`, value, meta);
    expect(reply.code).toBe(400);
    expect(reply.cause).toContain(allowed);
    expect((await tree.get(`${POLICY}/${name}`)).code).toBe(404);
  });

  it('gateway: has no policy that the table does not have, and none of another Format', async () => {
    expect((await tree.replace(`${POLICY}/Speed`, '7', INT)).code).toBe(404);
    expect((await tree.replace(`${POLICY}/Attempts`, '7', { format: 'chr' })).code).toBe(415);
  });

  it('gateway: forgets a value by Delete, and a time by an empty one', async () => {
    await tree.replace(`${POLICY}/Attempts`, '5', INT);
    await tree.replace(`${POLICY}/NotBefore`, '2030-01-01T00:00:00Z', {});
    expect((await tree.delete(`${POLICY}/Attempts`)).code).toBe(200);
    expect((await tree.replace(`${POLICY}/NotBefore`, '', {})).code).toBe(200);
    expect(await dataOf(POLICY)).toBe('');
    expect((await tree.delete(`${POLICY}/Attempts`)).code).toBe(404);
  });

  it('gateway: starts nothing with times that exclude each other', async () => {
    await tree.replace(`${POLICY}/NotBefore`, '2030-01-02T00:00:00Z', {});
    await tree.replace(`${POLICY}/NotAfter`, '2030-01-01T00:00:00Z', {});
    expect((await start()).code).toBe(400);
    expect(await tree.store.fanOut.run(1)).toBeUndefined();
  });

  it('gateway: takes policy back with the Atomic it was written in', async () => {
    await tree.replace(`${POLICY}/Attempts`, '5', INT);
    const write = (name: string, data: string) =>
      ({ kind: 'Replace', cmdId: '2', items: [{ target: { locUri: `${POLICY}/${name}` }, meta: INT, data }] }) as const;
    const failing = { kind: 'Delete', cmdId: '3', items: [{ target: { locUri: './DevInfo' } }] } as const;
    const commands = [write('Attempts', '9'), write('Quorum', '50'), failing];
    expect(await tree.codesOf({ kind: 'Atomic', cmdId: '1', commands })).toEqual([507, 216, 216, 405]);
    expect(valuesOf(await tree.get(`${POLICY}?list=StructData`))).toEqual({ [`${POLICY}/Attempts`]: '5' });
  });
});

describe('Ext/Plan', () => {
  const PLAN = `${SCM}/Ext/Plan`;

  it('gateway: says what Start would come to now', async () => {
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML);
    await tree.replace(`${SCM}/TargetGroupRef`, GROUP);
    await tree.add(`${GROUP}/Members/3/DeviceID`, 'urn:dev:nobody');
    await tree.replace(`${POLICY}/Waves`, '2', {});
    const values = valuesOf(await tree.get(`${PLAN}?list=StructData`));
    expect(values).toMatchObject({
      [`${PLAN}/Targets`]: '3',
      [`${PLAN}/Sendable`]: '2',
      [`${PLAN}/Polling`]: '2',
      [`${PLAN}/NoAccount`]: '1',
      [`${PLAN}/Hindered`]: 'urn:dev:nobody: no account',
      [`${PLAN}/Waves`]: '2',
    });
    expect(Number(values[`${PLAN}/WbxmlBytes`])).toBeLessThan(Number(values[`${PLAN}/XmlBytes`]));
    expect(values).not.toHaveProperty([`${PLAN}/Refusal`]);
    expect(await dataOf('./SCR/Results')).toBe('');
  });

  it('gateway: says why Start would be refused', async () => {
    expect(await dataOf(`${PLAN}/Refusal`)).toBe('412 ./SCM/FanOut/ToBeFannedOut is empty');
    expect(await dataOf(PLAN)).toBe('Refusal');
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML);
    await tree.replace(`${SCM}/TargetGroupRef`, 'nowhere');
    expect(await dataOf(`${PLAN}/Refusal`)).toContain('404 ');
    expect((await tree.get(`${PLAN}/Targets`)).code).toBe(404);
  });

  it('gateway: tells nobody of a group on which the server that named it has no Get', async () => {
    await tree.add(`${GROUP}/Members/3/DeviceID`, 'urn:dev:nobody');
    expect((await tree.replace(`${GROUP}?prop=ACL`, 'Get=srv&Replace=srv', {})).code).toBe(200);
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML, 'other');
    await tree.replace(`${SCM}/TargetGroupRef`, GROUP, {}, 'other');
    expect(await dataOf(`${PLAN}/Refusal`)).toBe('425 the ACL gives no Get on group meters');
    expect((await tree.get(`${PLAN}/Hindered`)).code).toBe(404);
    await tree.replace(`${SCM}/TargetGroupRef`, GROUP);
    expect(await dataOf(`${PLAN}/Refusal`)).toBe(`409 ${SCM}/ToBeFannedOut was last written by another DM Server`);
  });
});

describe('Ext/Runs', () => {
  it('gateway: says with the 202 where the results of the run will be', async () => {
    expect(await start(COMMANDS, 'corr-1')).toMatchObject({ code: 202, cause: './SCR/Results/Results1' });
    expect(await dataOf(RUNS)).toBe('1');
    expect(await dataOf(`${RUNS}/1/State`)).toBe('running');
    expect(await dataOf(`${RUNS}/1/ResultsURL`)).toBe('./SCR/Results/Results1');
    expect(await dataOf(`${RUNS}/1/Correlator`)).toBe('corr-1');
  });

  it('gateway: pauses, resumes and cancels a run', async () => {
    await start();
    expect((await tree.exec(`${RUNS}/1/Pause`)).code).toBe(200);
    expect(await dataOf(`${RUNS}/1/State`)).toBe('paused');
    expect((await tree.exec(`${RUNS}/1/Resume`)).code).toBe(200);
    expect(await dataOf(`${RUNS}/1/State`)).toBe('running');
    expect((await tree.exec(`${RUNS}/1/Cancel`)).code).toBe(200);
    expect(['cancelling', 'cancelled']).toContain(await dataOf(`${RUNS}/1/State`));
  });

  it('gateway: refuses to steer a run that has ended, and one that there is not', async () => {
    await start();
    await answer('urn:dev:1');
    await answer('urn:dev:2');
    for (const how of ['Pause', 'Resume', 'Cancel']) {
      const reply = await tree.exec(`${RUNS}/1/${how}`);
      expect(reply.code).toBe(405);
      expect(reply.cause).not.toBe('');
      expect((await tree.exec(`${RUNS}/9/${how}`)).code).toBe(404);
    }
    expect(await dataOf(`${RUNS}/1/State`)).toBe('complete');
  });

  it('gateway: runs members of an ended run again, as another run of that server', async () => {
    await start();
    await answer('urn:dev:1', 500);
    expect((await tree.exec(`${RUNS}/1/Retry`)).code).toBe(405);
    await answer('urn:dev:2');
    expect(await tree.exec(`${RUNS}/1/Retry`, 'again')).toMatchObject({ code: 202, cause: './SCR/Results/Results2' });
    expect(await tree.store.fanOut.run(2)).toMatchObject({
      serverId: 'srv',
      correlator: 'again',
      counts: { targets: 1 },
      retryOf: { run: 1 },
    });
    expect(await dataOf('./SCR/Results/Results2/Results/1/DeviceID')).toBe('urn:dev:1');
    expect((await tree.exec(`${RUNS}/1/Retry`, undefined, 'srv', 'succeeded, failed')).code).toBe(202);
    expect((await tree.store.fanOut.run(3))?.counts.targets).toBe(2);
    expect((await tree.exec(`${RUNS}/1/Retry`, undefined, 'srv', 'timed-out')).code).toBe(412);
  });

  it('gateway: gives a retry the policy of the run, but for what is written below Ext/Policy', async () => {
    await tree.replace(`${POLICY}/Attempts`, '5', INT);
    await tree.replace(`${POLICY}/Backoff`, '7', INT);
    await tree.replace(`${POLICY}/NotAfter`, '2030-01-01T00:00:00Z', {});
    await start();
    await answer('urn:dev:1', 500);
    await answer('urn:dev:2');
    for (const name of ['Attempts', 'Backoff', 'NotAfter']) await tree.delete(`${POLICY}/${name}`);
    await tree.replace(`${POLICY}/Backoff`, '9', INT);
    expect((await tree.exec(`${RUNS}/1/Retry`)).code).toBe(202);
    expect((await tree.store.fanOut.run(2))?.policy).toMatchObject({
      attempts: 5,
      backoffMs: 9_000,
      notAfter: undefined,
    });
    await tree.replace(`${POLICY}/NotBefore`, '2030-01-02T00:00:00Z', {});
    await tree.replace(`${POLICY}/NotAfter`, '2030-01-01T00:00:00Z', {});
    expect((await tree.exec(`${RUNS}/1/Retry`)).code).toBe(400);
  });

  it('gateway: refuses an outcome that there is not, and names those there are', async () => {
    await start();
    const reply = await tree.exec(`${RUNS}/1/Retry`, undefined, 'srv', 'failed lost');
    expect(reply.code).toBe(400);
    expect(reply.cause).toContain('"lost"');
    expect(reply.cause).toContain('timed-out');
  });

  it('gateway: lets no other DM Server see or steer a run', async () => {
    await start();
    expect((await tree.get(`${RUNS}/1/State`, 'other')).code).toBe(425);
    expect((await tree.exec(`${RUNS}/1/Cancel`, undefined, 'other')).code).toBe(425);
    expect(await dataOf(`${RUNS}/1/State`)).toBe('running');
  });
});

describe('Ext/Clusters', () => {
  const CLUSTERS = './SCR/Results/Results1/Ext/Clusters';

  it('gateway: folds equal answers together under names that stay', async () => {
    await start();
    await answer('urn:dev:1');
    const name = String(await dataOf(CLUSTERS));
    expect(await dataOf(`${CLUSTERS}/${name}/Count`)).toBe('1');
    await answer('urn:dev:2');
    expect(await dataOf(CLUSTERS)).toBe(name);
    expect(await dataOf(`${CLUSTERS}/${name}/Count`)).toBe('2');
    expect(await dataOf(`${CLUSTERS}/${name}/Devices`)).toBe('urn:dev:1\nurn:dev:2');
    expect(await dataOf(`${CLUSTERS}/${name}/DeResult`)).toBe(
      await dataOf('./SCR/Results/Results1/Results/1/DeResult'),
    );
  });

  it('gateway: keeps answers that differ apart', async () => {
    await start();
    await answer('urn:dev:1', 200, 'A');
    await answer('urn:dev:2', 200, 'B');
    const names = String(await dataOf(CLUSTERS)).split('/');
    expect(names).toHaveLength(2);
    const devices = await Promise.all(names.map((name) => dataOf(`${CLUSTERS}/${name}/Devices`)));
    expect(devices.toSorted()).toEqual(['urn:dev:1', 'urn:dev:2']);
    expect((await tree.get(`${CLUSTERS}/${names[0]}x`)).code).toBe(404);
  });
});

describe('Ext/Async', () => {
  it('gateway: shows what a device said later of an Exec that it took on', async () => {
    await start(UPDATE);
    await answer('urn:dev:1', 202);
    const member = './SCR/Results/Results1/Results/1';
    expect((await tree.get(`${member}/Ext/Async`)).code).toBe(404);
    const device = await tree.store.devices.byDeviceId('urn:dev:1');
    await tree.engine.asyncAlert(device!.key, {
      kind: 'Alert',
      cmdId: '7',
      code: 1226,
      items: [{ source: { locUri: './FUMO/Update' }, meta: { type: 'x:done', format: 'int' }, data: '200' }],
    });
    const text = String(await dataOf(`${member}/Ext/Async`));
    expect(text).toContain('<SyncBody xmlns="SYNCML:SYNCML1.2"><Alert><CmdID>1</CmdID>');
    expect(text).toContain('x:done');
    expect(await dataOf(`${member}/Ext/Outcome`)).toBe('succeeded');
  });
});
