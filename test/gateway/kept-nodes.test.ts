import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forgetFormerServers } from '../../src/gateway/gateway-tree.ts';
import { treeFixture } from './tree-fixture.ts';

const GROUP = './GwConfig/DeviceGroups/meters';

let tree: Awaited<ReturnType<typeof treeFixture>>;

beforeEach(async () => {
  tree = await treeFixture({ now: Date.UTC(2026, 0, 2, 3, 4, 5) });
});

afterEach(() => tree.close());

/** Data of the property, or the Status code without one. */
async function property(locUri: string, name: string): Promise<unknown> {
  const { code, items } = await tree.get(`${locUri}?prop=${name}`);
  return items[0]?.data ?? code;
}

describe('Title, TStamp and VerNo of the nodes of a gateway', () => {
  it('gateway: counts what DM Servers change, and stores it with the node that is renamed and deleted', async () => {
    await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
    await tree.replace(`${GROUP}/Members/1/DeviceID`, 'urn:dev:2');
    await tree.replace(`${GROUP}?prop=Title`, 'Meters of the north');
    expect(await property(`${GROUP}/Members/1/DeviceID`, 'VerNo')).toBe('2');
    expect(await property(`${GROUP}/Members/1/DeviceID`, 'TStamp')).toBe('20260102T030405Z');
    await tree.replace(`${GROUP}?prop=Name`, 'north');
    const renamed = './GwConfig/DeviceGroups/north';
    expect(await property(renamed, 'Title')).toBe('Meters of the north');
    expect(await tree.store.nodes.properties.get(`${renamed}/Members/1/DeviceID`)).toMatchObject({ verNo: 2 });
    await tree.delete(renamed);
    expect(await tree.store.nodes.properties.get(`${renamed}/Members/1/DeviceID`)).toBeUndefined();
  });

  it('gateway: counts every member of a group that one Add brings, and keeps their order', async () => {
    const names = Array.from({ length: 100 }, (_value, index) => String(index + 1));
    await tree.add(`${GROUP}/Members/${names[0]}/DeviceID`, 'urn:dev:1');
    const items = names.map((name) => ({
      target: { locUri: `${GROUP}/Members/${name}/DeviceID` },
      data: `urn:dev:${name}`,
    }));
    const codes = await tree.codesOf({ kind: 'Add', cmdId: '1', items });
    expect(codes).toEqual([418, ...names.slice(1).map(() => 200)]);
    expect(await property(`${GROUP}/Members`, 'VerNo')).toBe('100');
    const { members } = await tree.store.groups.resolvedMembers('meters', 0, 200, 0);
    expect(members.map(({ deviceId }) => deviceId)).toEqual(names.map((name) => `urn:dev:${name}`));
  });

  it('gateway: keeps nothing of the nodes of a run, which change without a DM Server', async () => {
    await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
    const commands = '<Get><CmdID>1</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
    await tree.replace('./SCM/FanOut/ToBeFannedOut', commands, { format: 'xml', type: 'text/xml' });
    await tree.replace('./SCM/FanOut/TargetGroupRef', GROUP);
    expect((await tree.exec('./SCM/FanOut/Start')).code).toBe(202);
    const member = './SCR/Results/Results1/Results/1/DeviceID';
    expect(await property(member, 'Name')).toBe('DeviceID');
    for (const name of ['Title', 'TStamp', 'VerNo']) expect(await property(member, name)).toBe(406);
  });
});

describe('ACLs of a gateway', () => {
  it('gateway: takes DM Servers out that are no longer configured', async () => {
    const { acls } = tree.store.nodes;
    await acls.set('./GwConfig', 'Add=srv+gone&Get=*&Replace=gone');
    await acls.set('./DevInfo', 'Get=gone');
    await acls.set('./DevDetail', 'Get=srv+other');
    await forgetFormerServers(acls, ['srv', 'other']);
    expect(await acls.all()).toEqual([
      { locUri: './DevDetail', acl: 'Get=srv+other' },
      { locUri: './GwConfig', acl: 'Add=srv&Get=*' },
    ]);
  });
});
