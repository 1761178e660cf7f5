import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestCommand } from '../../src/protocol/message/message.ts';
import { treeFixture, valuesOf } from './tree-fixture.ts';

const GROUPS = './GwConfig/DeviceGroups';
const SCM = './SCM/FanOut';
const COMMANDS = '<Get><CmdID>1</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';

let tree: Awaited<ReturnType<typeof treeFixture>>;
beforeEach(async () => {
  tree = await treeFixture();
});
afterEach(() => tree.close());

/** Starts a fan-out to the group and answers the DeviceIDs of its members, or the code of the refusal. */
async function started(group: string): Promise<number | string[]> {
  await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, { format: 'xml', type: 'text/xml' });
  await tree.replace(`${SCM}/TargetGroupRef`, `${GROUPS}/${group}`);
  const { code } = await tree.exec(`${SCM}/Start`);
  const [run] = await tree.store.fanOut.runs(undefined, 1);
  if (code !== 202 || !run) return code;
  return (await tree.store.fanOut.members(run.number, 0, 100)).map(({ deviceId }) => deviceId);
}

describe('GroupRef', () => {
  it('gateway: takes the members of a group in a group into a run, each device once', async () => {
    await tree.add(`${GROUPS}/inner/Members/1/DeviceID`, 'urn:dev:2');
    await tree.add(`${GROUPS}/inner/Members/2/DeviceID`, 'urn:dev:1');
    await tree.add(`${GROUPS}/outer/Members/1/DeviceID`, 'urn:dev:1');
    expect((await tree.add(`${GROUPS}/outer/Members/2/GroupRef`, `${GROUPS}/inner`)).code).toBe(200);
    expect((await tree.add(`${GROUPS}/outer/Members/3/DeviceID`, 'urn:dev:3')).code).toBe(200);
    expect(await started('outer')).toEqual(['urn:dev:1', 'urn:dev:2', 'urn:dev:3']);
  });

  it.each([
    ['a LocURI', `${GROUPS}/inner`],
    ['a LocURI with a leading slash', '/GwConfig/DeviceGroups/inner'],
    ['a bare name', 'inner'],
  ])('gateway: shows as LocURI the group that was named by %s, and follows its name', async (_, ref) => {
    await tree.add(`${GROUPS}/outer/Members/1/GroupRef`, ref);
    const uri = `${GROUPS}/outer/Members/1/GroupRef`;
    expect((await tree.get(uri)).items[0]?.data).toBe(`${GROUPS}/inner`);
    await tree.add(`${GROUPS}/inner`, '', { format: 'node' });
    expect((await tree.replace(`${GROUPS}/inner?prop=Name`, 'renamed')).code).toBe(200);
    expect((await tree.get(uri)).items[0]?.data).toBe(`${GROUPS}/renamed`);
  });

  it('gateway: refuses the write that closes a loop, and changes nothing', async () => {
    await tree.add(`${GROUPS}/a/Members/1/GroupRef`, 'b');
    await tree.add(`${GROUPS}/b/Members/1/GroupRef`, 'c');
    for (const ref of ['a', 'b', 'c']) {
      const refused = await tree.add(`${GROUPS}/c/Members/1/GroupRef`, ref);
      expect(refused.code).toBe(409);
      expect(refused.cause).toContain('group c would be part of itself');
    }
    await tree.add(`${GROUPS}/c/Members/1/GroupRef`, 'd');
    expect((await tree.replace(`${GROUPS}/c/Members/1/GroupRef`, 'a')).code).toBe(409);
    expect((await tree.get(`${GROUPS}/c/Members/1/GroupRef`)).items[0]?.data).toBe(`${GROUPS}/d`);
    expect((await tree.replace(`${GROUPS}/a?prop=Name`, 'd')).code).toBe(409);
    expect((await tree.get(GROUPS)).items[0]?.data).toBe('a/b/c');
  });

  it('gateway: lets a member be a device or a group, not both', async () => {
    const member = `${GROUPS}/outer/Members/1`;
    await tree.add(`${member}/DeviceID`, 'urn:dev:1');
    const refused = await tree.add(`${member}/GroupRef`, 'inner');
    expect(refused).toMatchObject({ code: 409, cause: `${member} has a DeviceID; a member has DeviceID or GroupRef` });
    expect((await tree.replace(`${member}/GroupRef`, 'inner')).code).toBe(404);
    await tree.delete(`${member}/DeviceID`);
    expect((await tree.add(`${member}/GroupRef`, 'inner')).code).toBe(200);
    expect((await tree.add(`${member}/DeviceID`, 'urn:dev:1')).cause).toContain('has a GroupRef');
    expect((await tree.get(member)).items[0]?.data).toBe('GroupRef');
    await tree.delete(`${member}/GroupRef`);
    expect((await tree.get(member)).items[0]?.data).toBe('');
  });

  it.each([
    ['nothing', ''],
    ['a node of another object', './DevInfo/DevId'],
    ['a node below a group', `${GROUPS}/inner/Members`],
    ['a property', `${GROUPS}/inner?prop=Name`],
  ])('gateway: refuses a GroupRef to %s', async (_, ref) => {
    const refused = await tree.add(`${GROUPS}/outer/Members/1/GroupRef`, ref);
    expect(refused.code).toBe(400);
    expect(refused.cause).toContain('the LocURI of a group node, or the name of a group');
  });

  it('gateway: starts nothing for a group of groups that have no members', async () => {
    await tree.add(`${GROUPS}/outer/Members/1/GroupRef`, 'inner');
    await tree.add(`${GROUPS}/inner/Members/1/GroupRef`, 'none');
    expect(await started('outer')).toBe(412);
  });
});

describe('Filter', () => {
  const FILTER = `${GROUPS}/new/Ext/Filter`;

  async function inventory(deviceId: string, fwV: string): Promise<void> {
    const device = await tree.store.devices.byDeviceId(deviceId);
    await tree.store.devices.saveInventory(device!.key, { man: 'maker', fwV }, 900_000);
  }

  it('gateway: chooses members by their inventory when a run starts', async () => {
    await tree.add(FILTER, 'Man = "maker" and FwV ~ "2.*"');
    expect(await started('new')).toBe(412);
    await inventory('urn:dev:1', '1.9');
    await inventory('urn:dev:2', '2.0');
    expect(await started('new')).toEqual(['urn:dev:2']);
    await inventory('urn:dev:1', '2.1');
    await tree.add(`${GROUPS}/new/Members/1/DeviceID`, 'urn:dev:2');
    expect(await started('new')).toEqual(['urn:dev:2', 'urn:dev:1']);
  });

  it('gateway: counts the age of LastSeen from the start of the run', async () => {
    await inventory('urn:dev:1', '1');
    await tree.add(FILTER, 'LastSeen < 101s');
    expect(await started('new')).toEqual(['urn:dev:1']);
    await tree.replace(FILTER, 'LastSeen < 99s');
    expect(await started('new')).toBe(412);
  });

  it('gateway: shows, changes and takes away a filter', async () => {
    expect((await tree.get(`${GROUPS}/new/Ext/Filter`)).code).toBe(404);
    await tree.add(FILTER, 'Man = "a"');
    expect((await tree.get(`${GROUPS}/new/Ext`)).items[0]?.data).toBe('Filter');
    expect((await tree.replace(FILTER, 'Man="b"')).code).toBe(200);
    expect((await tree.get(FILTER)).items[0]?.data).toBe('Man="b"');
    expect((await tree.delete(FILTER)).code).toBe(200);
    expect((await tree.get(FILTER)).code).toBe(404);
    await tree.add(FILTER, 'Man = "a"');
    expect((await tree.delete(`${GROUPS}/new/Ext`)).code).toBe(200);
    expect((await tree.get(`${GROUPS}/new`)).items[0]?.data).toBe('Members/Ext');
    expect((await tree.get(FILTER)).code).toBe(404);
  });

  it('gateway: refuses a filter that it cannot read, and says where and what is allowed', async () => {
    const refused = await tree.add(FILTER, 'Man = "a" and Made = "b"');
    expect(refused.code).toBe(400);
    expect(refused.cause).toContain('at character 14 is "Made"; allowed there: not, (, DeviceID');
    expect((await tree.add(FILTER, '')).code).toBe(400);
    expect((await tree.get(`${GROUPS}/new`)).code).toBe(404);
  });
});

describe('Atomic over groups', () => {
  const one = (kind: 'Add' | 'Delete' | 'Replace', locUri: string, data?: string, meta = {}): RequestCommand => ({
    kind,
    cmdId: '2',
    items: [{ target: { locUri }, data, meta }],
  });

  it('gateway: puts filters and GroupRefs back, those to a renamed group too', async () => {
    await tree.add(`${GROUPS}/inner/Members/1/DeviceID`, 'urn:dev:1');
    await tree.add(`${GROUPS}/inner/Ext/Filter`, 'Man = "a"');
    await tree.add(`${GROUPS}/outer/Members/1/GroupRef`, 'inner');
    await tree.add(`${GROUPS}/outer/Members/2/DeviceID`, 'urn:dev:2');
    const before = valuesOf(await tree.get(`${GROUPS}?list=StructData`));
    const ref = `${GROUPS}/outer/Members/1/GroupRef`;
    const rename = one('Replace', `${GROUPS}/inner?prop=Name`, 'renamed');
    const lists: readonly (readonly RequestCommand[])[] = [
      [one('Replace', ref, 'other')],
      [one('Delete', ref), one('Add', `${GROUPS}/outer/Members/1/DeviceID`, 'urn:dev:9')],
      [one('Delete', `${GROUPS}/inner/Ext/Filter`)],
      [one('Delete', `${GROUPS}/inner/Ext`)],
      [
        one('Replace', `${GROUPS}/inner/Ext/Filter`, 'Man = "b"'),
        one('Add', `${GROUPS}/outer/Ext/Filter`, 'Man = "c"'),
      ],
      [rename],
      [rename, one('Replace', ref, 'other')],
      [one('Replace', ref, 'other'), rename],
      [one('Delete', `${GROUPS}/inner`)],
      [one('Delete', `${GROUPS}/outer`), one('Delete', `${GROUPS}/inner`)],
    ];
    for (const commands of lists) {
      const all = [...commands, one('Delete', './DevInfo')];
      const codes = await tree.codesOf({ kind: 'Atomic', cmdId: '1', commands: all });
      expect(codes).toEqual([507, ...commands.map(() => 216), 405]);
      expect(valuesOf(await tree.get(`${GROUPS}?list=StructData`))).toEqual(before);
    }
    expect(await tree.codesOf({ kind: 'Atomic', cmdId: '1', commands: [rename] })).toEqual([200, 200]);
    expect((await tree.get(ref)).items[0]?.data).toBe(`${GROUPS}/renamed`);
  });

  it('gateway: takes a group with all it has as TNDS, and gives it as TNDS', async () => {
    await tree.add(`${GROUPS}/g/Members/1/GroupRef`, 'inner');
    await tree.add(`${GROUPS}/g/Ext/Filter`, 'Man = "a & b"');
    const before = valuesOf(await tree.get(`${GROUPS}/g?list=StructData`));
    const document = String((await tree.get(`${GROUPS}/g?list=TNDS`)).items[0]?.data);
    const tnds = { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' };
    expect((await tree.replace(`${GROUPS}/g`, document.replace('a &amp; b', 'c'), tnds)).code).toBe(200);
    expect((await tree.get(`${GROUPS}/g/Ext/Filter`)).items[0]?.data).toBe('Man = "c"');
    await tree.delete(`${GROUPS}/g`);
    expect((await tree.add(GROUPS, document, tnds)).code).toBe(200);
    expect(valuesOf(await tree.get(`${GROUPS}/g?list=StructData`))).toEqual(before);
  });
});
