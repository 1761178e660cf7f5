import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestCommand } from '../../src/protocol/message/message.ts';
import { treeFixture, valuesOf } from './tree-fixture.ts';

const COMMANDS = '<Get><CmdID>1</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
const XML = { format: 'xml', type: 'text/xml' };
const GROUP = './GwConfig/DeviceGroups/meters';
const SCM = './SCM/FanOut';

type Fixture = Awaited<ReturnType<typeof treeFixture>>;
let tree: Fixture;

beforeEach(async () => {
  tree = await treeFixture();
});

afterEach(() => tree.close());

describe('Gateway Config MO', () => {
  it('gateway: has its MO identifier, its mode, and no groups at first', async () => {
    expect((await tree.get('./GwConfig?prop=Type')).items[0]?.data).toBe('urn:oma:mo:oma-gwmo-config:1.1');
    expect((await tree.get('./GwConfig/Ext/Mode')).items[0]).toMatchObject({ meta: { format: 'int' }, data: '1' });
    expect((await tree.get('./GwConfig/DeviceGroups')).items[0]?.data).toBe('');
  });

  it('gateway: makes group and member of one Add of a DeviceID', async () => {
    expect(await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1')).toMatchObject({ code: 200 });
    expect(await tree.store.groups.members('meters', undefined, 10)).toEqual([{ name: '1', deviceId: 'urn:dev:1' }]);
    expect((await tree.get(GROUP)).items[0]?.data).toBe('Members/Ext');
    expect((await tree.get(`${GROUP}/Members/1/DeviceID`)).items[0]?.data).toBe('urn:dev:1');
  });

  it('gateway: adds a group as an interior node, once', async () => {
    expect(await tree.add(GROUP, '', { format: 'node' })).toMatchObject({ code: 200 });
    expect(await tree.add(GROUP, '', { format: 'node' })).toMatchObject({ code: 418 });
    expect(await tree.add('./GwConfig/DeviceGroups/leaf', 'x')).toMatchObject({ code: 415 });
    expect((await tree.get('./GwConfig/DeviceGroups')).items[0]?.data).toBe('meters');
  });

  it('gateway: lists a subtree with its values', async () => {
    await tree.add(`${GROUP}/Members/b/DeviceID`, 'urn:dev:2');
    await tree.add(`${GROUP}/Members/a/DeviceID`, 'urn:dev:1');
    expect(valuesOf(await tree.get('./GwConfig?list=StructData'))).toEqual({
      [`${GROUP}/Members/b/DeviceID`]: 'urn:dev:2',
      [`${GROUP}/Members/a/DeviceID`]: 'urn:dev:1',
      './GwConfig/Ext/Mode': '1',
    });
  });

  it('gateway: replaces and deletes a DeviceID, a member, all members, a group', async () => {
    await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
    await tree.add(`${GROUP}/Members/2/DeviceID`, 'urn:dev:2');
    expect((await tree.replace(`${GROUP}/Members/1/DeviceID`, 'urn:dev:9')).code).toBe(200);
    expect((await tree.get(`${GROUP}/Members/1/DeviceID`)).items[0]?.data).toBe('urn:dev:9');
    expect((await tree.delete(`${GROUP}/Members/1/DeviceID`)).code).toBe(200);
    expect((await tree.get(`${GROUP}/Members/1`)).items[0]?.data).toBe('');
    expect((await tree.delete(`${GROUP}/Members/1`)).code).toBe(200);
    expect((await tree.get(`${GROUP}/Members`)).items[0]?.data).toBe('2');
    expect((await tree.delete(`${GROUP}/Members`)).code).toBe(200);
    expect((await tree.get(`${GROUP}/Members`)).items[0]?.data).toBe('');
    expect((await tree.delete(GROUP)).code).toBe(200);
    expect((await tree.get(GROUP)).code).toBe(404);
  });

  it.each([
    ['an empty DeviceID', '', 400],
    ['a DeviceID that no account can have', 'x'.repeat(257), 400],
  ])('gateway: refuses %s', async (_, deviceId, code) => {
    const reply = await tree.add(`${GROUP}/Members/1/DeviceID`, deviceId);
    expect(reply.code).toBe(code);
    expect(reply.cause).toContain('allowed is 1 to 256');
    expect(await tree.store.groups.exists('meters')).toBe(false);
  });

  it('gateway: forgets the ACL of a deleted group', async () => {
    await tree.add(GROUP, '', { format: 'node' });
    await tree.replace(`${GROUP}?prop=ACL`, 'Get=other&Delete=srv');
    expect((await tree.get(GROUP)).code).toBe(425);
    await tree.delete(GROUP);
    await tree.add(GROUP, '', { format: 'node' });
    expect((await tree.get(GROUP)).code).toBe(200);
  });

  it.each(['./GwConfig', './GwConfig/DeviceGroups', './GwConfig/Ext', './GwConfig/Ext/Mode'])(
    'gateway: allows no Replace and no Delete of %s',
    async (locUri) => {
      expect((await tree.replace(locUri, '2', { format: 'int' })).code).toBe(405);
      expect((await tree.delete(locUri)).code).toBe(405);
    },
  );
});

describe('Device Inventory MO', () => {
  it('gateway: knows a device by the key of its account, and what a session said of it', async () => {
    const device = await tree.store.devices.byDeviceId('urn:dev:2');
    await tree.store.devices.saveInventory(device!.key, { man: 'maker', fwV: '7' }, Date.UTC(2026, 10, 22, 10));
    const root = `./GwDeviceInventory/${device!.key}`;
    expect(valuesOf(await tree.get(`${root}?list=StructData`))).toEqual({
      [`${root}/DeviceID`]: 'urn:dev:2',
      [`${root}/Man`]: 'maker',
      [`${root}/Ext/FwV`]: '7',
      [`${root}/Ext/State`]: 'attached',
      [`${root}/Ext/LastSeen`]: '2026-11-22T10:00:00.000Z',
    });
  });

  it('gateway: has a device that never came, and none that is not known', async () => {
    const [device] = await tree.store.devices.list(0, 1);
    const root = `./GwDeviceInventory/${device!.key}`;
    expect((await tree.get(`${root}/Ext/State`)).items[0]?.data).toBe('registered');
    expect((await tree.get(`${root}/Man`)).code).toBe(404);
    expect((await tree.get('./GwDeviceInventory/999')).code).toBe(404);
    expect((await tree.get('./GwDeviceInventory/x')).code).toBe(404);
    expect((await tree.delete(root)).code).toBe(405);
    expect((await tree.replace(`${root}/DeviceID`, 'x')).code).toBe(405);
  });
});

describe('objects of the gateway itself', () => {
  it('gateway: says who it is', async () => {
    expect(valuesOf(await tree.get('./DevInfo?list=StructData'))).toMatchObject({
      './DevInfo/DevId': 'gw-1',
      './DevInfo/DmV': '1.2',
    });
    expect(valuesOf(await tree.get('./DevDetail?list=StructData'))).toMatchObject({
      './DevDetail/SwV': '1.2.3',
      './DevDetail/LrgObj': 'true',
      './DevDetail/URI/MaxDepth': '64',
    });
  });

  it('gateway: shows its accounts without their secrets', async () => {
    const values = valuesOf(await tree.get('./DMAcc/2?list=StructData'));
    expect(values).toMatchObject({
      './DMAcc/2/AppID': 'w7',
      './DMAcc/2/ServerID': 'other',
      './DMAcc/2/AppAddr/1/Addr': 'http://127.0.0.1:1/dm',
      './DMAcc/2/AppAuth/1/AAuthLevel': 'CLCRED',
      './DMAcc/2/AppAuth/1/AAuthType': 'DIGEST',
      './DMAcc/2/AppAuth/2/AAuthLevel': 'SRVCRED',
    });
    expect(Object.keys(values).filter((locUri) => /AAuth(Secret|Data)$/.test(locUri))).toEqual([]);
    expect((await tree.get('./DMAcc/2/AppAuth/1/AAuthSecret')).code).toBe(405);
    expect((await tree.get('./DMAcc/2/AppAuth/2/AAuthData')).code).toBe(405);
    expect((await tree.replace('./DMAcc/1/AppAuth/1/AAuthSecret', 'x')).code).toBe(405);
    expect((await tree.get('./DMAcc/3')).code).toBe(404);
  });
});

describe('Results', () => {
  /** A run of both devices; the first has answered. */
  async function startedRun(): Promise<void> {
    await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
    await tree.add(`${GROUP}/Members/2/DeviceID`, 'urn:dev:2');
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML);
    await tree.replace(`${SCM}/TargetGroupRef`, GROUP);
    expect((await tree.exec(`${SCM}/Start`)).code).toBe(202);
  }

  async function answer(deviceId: string): Promise<void> {
    const device = await tree.store.devices.byDeviceId(deviceId);
    const carrier = { form: { encoding: 'xml' }, maxMsgBytes: undefined, maxObjBytes: undefined } as const;
    const assignment = await tree.engine.nextFor(device!.key, carrier);
    await tree.engine.answered(assignment!, [
      { kind: 'Status', cmdRef: '1', cmd: 'Get', targetRefs: [], sourceRefs: [], code: 200, items: [] },
      { kind: 'Results', cmdRef: '1', items: [{ source: { locUri: './DevInfo/Mod' }, data: 'Model <1>' }] },
    ]);
  }

  it('gateway: shows one object per run, with a place for each member', async () => {
    expect((await tree.get('./SCR/Results')).items[0]?.data).toBe('');
    await startedRun();
    expect((await tree.get('./SCR/Results')).items[0]?.data).toBe('Results1');
    expect((await tree.get('./SCR/Results/Results1?prop=Type')).items[0]?.data).toBe('urn:oma:mo:oma-gwmo-fanout:1.0');
    expect((await tree.get('./SCR/Results/Results1/Results')).items[0]?.data).toBe('1/2');
    expect((await tree.get('./SCR/Results/Results1/Results/1/DeviceID')).items[0]?.data).toBe('urn:dev:1');
    expect((await tree.get('./SCR/Results/Results1/Results/1/DeResult')).code).toBe(404);
  });

  it('gateway: shows an answer as soon as it is stored', async () => {
    await startedRun();
    await answer('urn:dev:1');
    const root = './SCR/Results/Results1/Results/1';
    const deResult = (await tree.get(`${root}/DeResult`)).items[0];
    expect(deResult?.meta).toMatchObject({ format: 'xml' });
    expect(String(deResult?.data)).toContain('Model &lt;1&gt;');
    expect(valuesOf(await tree.get(`${root}/Ext?list=StructData`))).toMatchObject({
      [`${root}/Ext/Outcome`]: 'succeeded',
      [`${root}/Ext/Late`]: 'false',
      [`${root}/Ext/AnsweredAt`]: '1970-01-01T00:16:40.000Z',
    });
  });

  it('gateway: sums the members up at every moment', async () => {
    await startedRun();
    await answer('urn:dev:2');
    const root = './SCR/Results/Results1/Ext/Summary';
    expect(valuesOf(await tree.get(`${root}?list=StructData`))).toEqual({
      [`${root}/State`]: 'running',
      [`${root}/Digest`]: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      [`${root}/Generation`]: '0',
      [`${root}/StartedAt`]: '1970-01-01T00:16:40.000Z',
      [`${root}/EndedAt`]: '',
      [`${root}/Targets`]: '2',
      [`${root}/Pending`]: '1',
      [`${root}/Succeeded`]: '1',
      ...Object.fromEntries(
        ['Failed', 'TimedOut', 'Unreachable', 'Unauthorized', 'Cancelled', 'Unknown'].map((name) => [
          `${root}/${name}`,
          '0',
        ]),
      ),
    });
  });

  it('gateway: frees a run by Delete, but not while it is active', async () => {
    await startedRun();
    const refused = await tree.delete('./SCR/Results/Results1');
    expect(refused.code).toBe(405);
    expect(refused.cause).toContain('still active');
    await answer('urn:dev:1');
    await answer('urn:dev:2');
    expect((await tree.get('./SCR/Results/Results1/Ext/Summary/State')).items[0]?.data).toBe('complete');
    expect((await tree.delete('./SCR/Results/Results1')).code).toBe(200);
    expect((await tree.get('./SCR/Results/Results1')).code).toBe(404);
    expect((await tree.get('./SCR/Results')).items[0]?.data).toBe('');
  });

  it.each([
    ['a run that was never started', './SCR/Results/Results7'],
    ['a member beyond the snapshot', './SCR/Results/Results1/Results/3'],
    ['a member of no number', './SCR/Results/Results1/Results/x'],
    ['a run of no number', './SCR/Results/Results01'],
    ['a cluster that no answer is in', './SCR/Results/Results1/Ext/Clusters/1'],
    ['a node that is not described', './SCR/Results/Results1/Ext/Other'],
  ])('gateway: has no node for %s', async (_, locUri) => {
    await startedRun();
    expect((await tree.get(locUri)).code).toBe(404);
  });

  it('gateway: lets nobody write results', async () => {
    await startedRun();
    const root = './SCR/Results/Results1';
    expect((await tree.replace(`${root}/Results/1/DeviceID`, 'x')).code).toBe(405);
    expect((await tree.add(`${root}/Results/9`, '', { format: 'node' })).code).toBe(405);
    expect((await tree.delete(`${root}/Results/1`)).code).toBe(405);
    expect((await tree.delete('./SCR/Results')).code).toBe(405);
  });
});

describe('Atomic', () => {
  const one = (kind: 'Add' | 'Delete' | 'Replace', locUri: string, data?: string, meta = {}): RequestCommand => ({
    kind,
    cmdId: '2',
    items: [{ target: { locUri }, data, meta }],
  });
  const atomic = (...commands: RequestCommand[]) => tree.codesOf({ kind: 'Atomic', cmdId: '1', commands });
  const failing = one('Delete', './DevInfo');

  it('gateway: makes a group and sets both leaves of a fan-out, or none of it', async () => {
    const commands = [
      one('Add', `${GROUP}/Members/1/DeviceID`, 'urn:dev:1'),
      one('Replace', `${SCM}/ToBeFannedOut`, COMMANDS, XML),
      one('Replace', `${SCM}/TargetGroupRef`, GROUP),
    ];
    expect(await atomic(...commands, failing)).toEqual([507, 216, 216, 216, 405]);
    expect((await tree.get(GROUP)).code).toBe(404);
    expect((await tree.get(`${SCM}/ToBeFannedOut`)).items[0]?.data).toBe('');
    expect((await tree.exec(`${SCM}/Start`)).code).toBe(412);
    expect(await atomic(...commands)).toEqual([200, 200, 200, 200]);
    expect((await tree.exec(`${SCM}/Start`)).code).toBe(202);
  });

  it('gateway: puts back what stood in a fan-out, under the server that wrote it', async () => {
    await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML, 'other');
    await tree.replace(`${SCM}/TargetGroupRef`, GROUP, undefined, 'other');
    const write = one('Replace', `${SCM}/ToBeFannedOut`, COMMANDS.replace('Mod', 'Man'), XML);
    expect(await atomic(write, failing)).toEqual([507, 216, 405]);
    expect((await tree.get(`${SCM}/ToBeFannedOut`)).items[0]?.data).toBe(COMMANDS);
    expect((await tree.exec(`${SCM}/Start`, undefined, 'other')).code).toBe(202);
  });

  it('gateway: puts groups back that were changed, emptied, renamed and deleted, with their ACLs', async () => {
    for (const n of [1, 2, 3]) await tree.add(`${GROUP}/Members/${n}/DeviceID`, `urn:dev:${n}`);
    await tree.replace(`${GROUP}?prop=ACL`, 'Add=srv&Delete=srv&Get=srv&Replace=srv');
    const before = await tree.store.groups.members('meters', undefined, 10);
    const renamed = './GwConfig/DeviceGroups/gauges';
    const rename = one('Replace', `${GROUP}?prop=Name`, 'gauges');
    const lists: readonly (readonly RequestCommand[])[] = [
      [
        one('Replace', `${GROUP}/Members/2/DeviceID`, 'urn:dev:9'),
        one('Add', `${GROUP}/Members/4/DeviceID`, 'urn:dev:4'),
      ],
      [one('Delete', `${GROUP}/Members`)],
      [rename, one('Delete', `${renamed}/Members/1`)],
      [one('Delete', GROUP), one('Add', GROUP, '', { format: 'node' })],
    ];
    for (const commands of lists) {
      const codes = await atomic(...commands, failing);
      expect(codes).toEqual([507, ...commands.map(() => 216), 405]);
      expect(await tree.store.groups.members('meters', undefined, 10)).toEqual(before);
      expect((await tree.get('./GwConfig/DeviceGroups')).items[0]?.data).toBe('meters');
      expect((await tree.get(`${GROUP}?prop=ACL`)).items[0]?.data).toContain('Delete=srv');
    }
    expect(await atomic(rename)).toEqual([200, 200]);
    expect((await tree.get('./GwConfig/DeviceGroups')).items[0]?.data).toBe('gauges');
    expect((await tree.get(`${renamed}?prop=ACL`)).items[0]?.data).toContain('Delete=srv');
  });

  it('gateway: begins none that would delete results, because they could not come back', async () => {
    await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML);
    await tree.replace(`${SCM}/TargetGroupRef`, GROUP);
    await tree.exec(`${SCM}/Start`);
    expect(await atomic(one('Delete', GROUP), one('Delete', './SCR/Results/Results1'))).toEqual([406, 215, 215]);
    expect((await tree.get(GROUP)).code).toBe(200);
  });

  it('gateway: takes and shows a group as TNDS', async () => {
    const tnds = { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' };
    for (const n of [1, 2]) await tree.add(`${GROUP}/Members/${n}/DeviceID`, `urn:dev:${n}`);
    const document = String((await tree.get(`${GROUP}?list=TNDS`)).items[0]?.data);
    const before = valuesOf(await tree.get(`${GROUP}?list=StructData`));
    expect((await tree.replace(GROUP, document.replace('urn:dev:2', 'urn:dev:7'), tnds)).code).toBe(200);
    expect((await tree.get(`${GROUP}/Members/2/DeviceID`)).items[0]?.data).toBe('urn:dev:7');
    expect((await tree.replace(GROUP, document.replace('urn:dev:2', ''), tnds)).code).toBe(400);
    expect((await tree.get(`${GROUP}/Members/2/DeviceID`)).items[0]?.data).toBe('urn:dev:7');
    await tree.delete(GROUP);
    expect((await tree.add('./GwConfig/DeviceGroups', document, tnds)).code).toBe(200);
    expect(valuesOf(await tree.get(`${GROUP}?list=StructData`))).toEqual(before);
  });
});
