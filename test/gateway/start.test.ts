import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { treeFixture } from './tree-fixture.ts';

const COMMANDS = '<Get><CmdID>1</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
const XML = { format: 'xml', type: 'text/xml' };
const SCM = './SCM/FanOut';
const GROUP = './GwConfig/DeviceGroups/meters';

type Fixture = Awaited<ReturnType<typeof treeFixture>>;
let tree: Fixture;

beforeEach(async () => {
  tree = await treeFixture();
});

afterEach(() => tree.close());

async function ready(ref = GROUP): Promise<void> {
  await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
  expect((await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML)).code).toBe(200);
  expect((await tree.replace(`${SCM}/TargetGroupRef`, ref)).code).toBe(200);
}

describe('Fan-Out MO', () => {
  it('gateway: has its nodes before anything was written', async () => {
    expect((await tree.get('./SCM?prop=Type')).items[0]?.data).toBe('urn:oma:mo:oma-gwmo-fanout:1.0');
    expect((await tree.get(SCM)).items[0]?.data).toBe('ToBeFannedOut/TargetGroupRef/Start/Ext');
    expect((await tree.get(`${SCM}/ToBeFannedOut`)).items[0]?.data).toBe('');
    expect((await tree.get(`${SCM}/TargetGroupRef`)).items[0]?.data).toBe('');
  });

  it('gateway: allows what the node table allows and nothing else', async () => {
    expect((await tree.get(`${SCM}/Start`)).code).toBe(405);
    expect((await tree.replace(`${SCM}/Start`, 'x')).code).toBe(405);
    expect((await tree.exec(`${SCM}/ToBeFannedOut`)).code).toBe(405);
    expect((await tree.delete(`${SCM}/TargetGroupRef`)).code).toBe(405);
    expect((await tree.add(`${SCM}/Other`, 'x')).code).toBe(405);
    expect((await tree.get(`${SCM}/Ext/Other`)).code).toBe(404);
  });

  it.each([
    ['XML', COMMANDS, XML],
    ['text', COMMANDS, { format: 'chr' }],
    ['octets', Buffer.from(COMMANDS), { format: 'bin', type: 'application/xml' }],
  ])('gateway: keeps commands in the Format they came in: %s', async (_, data, meta) => {
    expect((await tree.replace(`${SCM}/ToBeFannedOut`, data, meta)).code).toBe(200);
    const item = (await tree.get(`${SCM}/ToBeFannedOut`)).items[0];
    expect(item?.meta?.format ?? 'chr').toBe(meta.format);
    expect(Buffer.from(item?.data ?? '').toString()).toBe(COMMANDS);
  });

  it.each([
    ['what is not well-formed', '<Get>', XML, 400],
    ['no command at all', '<SyncBody></SyncBody>', XML, 400],
    ['an element that is no command', '<Status><CmdID>1</CmdID></Status>', XML, 406],
    ['an unknown Type', COMMANDS, { format: 'xml', type: 'image/png' }, 415],
    ['an unknown Format', COMMANDS, { format: 'int' }, 415],
    ['more than an object may have', `<!--${'x'.repeat(10_000)}-->${COMMANDS}`, XML, 413],
  ])('gateway: refuses commands that are %s, and says why', async (_, data, meta, code) => {
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML);
    const reply = await tree.replace(`${SCM}/ToBeFannedOut`, data, meta);
    expect(reply.code).toBe(code);
    expect(reply.cause).not.toBe('');
    expect(Buffer.from((await tree.get(`${SCM}/ToBeFannedOut`)).items[0]?.data ?? '').toString()).toBe(COMMANDS);
  });

  it.each([
    './GwConfig/DeviceGroups/nowhere',
    'GwConfig/DeviceGroups/x',
    '/GwConfig/DeviceGroups/x',
    'meters',
    './Other/X',
  ])('gateway: accepts TargetGroupRef %s', async (ref) => {
    expect((await tree.replace(`${SCM}/TargetGroupRef`, ref)).code).toBe(200);
    expect((await tree.get(`${SCM}/TargetGroupRef`)).items[0]?.data).toBe(ref);
  });

  it.each(['', './GwConfig//x', './GwConfig/../x', 'a?prop=ACL'])(
    'gateway: refuses TargetGroupRef "%s"',
    async (ref) => {
      expect((await tree.replace(`${SCM}/TargetGroupRef`, ref)).code).toBe(400);
      expect((await tree.get(`${SCM}/TargetGroupRef`)).items[0]?.data).toBe('');
    },
  );
});

describe('Start', () => {
  it.each([GROUP, 'GwConfig/DeviceGroups/meters', '/GwConfig/DeviceGroups/meters', 'meters'])(
    'gateway: answers 202 when the run is durable, for the group %s',
    async (ref) => {
      await ready(ref);
      expect((await tree.exec(`${SCM}/Start`, 'corr-1')).code).toBe(202);
      const run = await tree.store.fanOut.run(1);
      expect(run).toMatchObject({
        number: 1,
        fanOutRoot: './SCM',
        serverId: 'srv',
        group: 'meters',
        correlator: 'corr-1',
        state: 'running',
        counts: { targets: 1, pending: 1 },
      });
    },
  );

  it('gateway: starts nothing twice when an Exec comes again, in another session, with its Correlator', async () => {
    await ready();
    expect((await tree.exec(`${SCM}/Start`, 'corr-1')).code).toBe(202);
    await ready();
    expect((await tree.exec(`${SCM}/Start`, 'corr-1')).code).toBe(202);
    expect(await tree.store.fanOut.runs(undefined, 10)).toHaveLength(1);
    expect((await tree.exec(`${SCM}/Start`, 'corr-2')).code).toBe(202);
    expect(await tree.store.fanOut.runs(undefined, 10)).toHaveLength(2);
  });

  it('gateway: keeps no Correlator when the Exec has none', async () => {
    await ready();
    await tree.exec(`${SCM}/Start`);
    expect((await tree.store.fanOut.run(1))?.correlator).toBeUndefined();
  });

  it.each<[string, number, RegExp, (fixture: Fixture) => Promise<unknown>, string]>([
    [
      'no commands were written',
      412,
      /ToBeFannedOut is empty/,
      async (fixture) => {
        await fixture.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
        await fixture.replace(`${SCM}/TargetGroupRef`, GROUP);
      },
      'srv',
    ],
    [
      'no group was named',
      412,
      /TargetGroupRef is empty/,
      (fixture) => fixture.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML),
      'srv',
    ],
    [
      'there is no such group',
      404,
      /no such group/,
      async (fixture) => {
        await ready();
        await fixture.replace(`${SCM}/TargetGroupRef`, './GwConfig/DeviceGroups/other');
      },
      'srv',
    ],
    [
      'TargetGroupRef is no node of a group',
      404,
      /no such group/,
      async (fixture) => {
        await ready();
        await fixture.replace(`${SCM}/TargetGroupRef`, `${GROUP}/Members`);
      },
      'srv',
    ],
    [
      'the group has no members',
      412,
      /no members/,
      async (fixture) => {
        await ready();
        await fixture.delete(`${GROUP}/Members/1`);
      },
      'srv',
    ],
    [
      'the members of the group have no DeviceID',
      412,
      /no members/,
      async (fixture) => {
        await ready();
        await fixture.delete(`${GROUP}/Members/1/DeviceID`);
      },
      'srv',
    ],
    [
      'the ACL of the group gives no Get',
      425,
      /no Get on group meters/,
      async (fixture) => {
        await ready();
        await fixture.replace(`${GROUP}?prop=ACL`, 'Get=other');
      },
      'srv',
    ],
    ['another DM Server wrote the nodes', 409, /another DM Server/, () => ready(), 'other'],
    [
      'another DM Server wrote TargetGroupRef last',
      409,
      /TargetGroupRef was last written/,
      async (fixture) => {
        await ready();
        await fixture.replace(`${SCM}/TargetGroupRef`, GROUP, undefined, 'other');
      },
      'srv',
    ],
    [
      'too many runs are active',
      403,
      /2 runs are active/,
      async (fixture) => {
        await ready();
        await fixture.exec(`${SCM}/Start`);
        await fixture.exec(`${SCM}/Start`);
      },
      'srv',
    ],
  ])('gateway: refuses and stores nothing when %s', async (_, code, cause, prepare, serverId) => {
    await prepare(tree);
    const before = await tree.store.fanOut.runs(undefined, 10);
    const reply = await tree.exec(`${SCM}/Start`, undefined, serverId);
    expect(reply.code).toBe(code);
    expect(reply.cause).toMatch(cause);
    expect(await tree.store.fanOut.runs(undefined, 10)).toEqual(before);
  });

  it('gateway: gives the refusals in the order of the contract', async () => {
    const code = async () => (await tree.exec(`${SCM}/Start`, undefined, 'other')).code;
    expect(await code()).toBe(412);
    await tree.replace(`${SCM}/ToBeFannedOut`, COMMANDS, XML);
    await tree.replace(`${SCM}/TargetGroupRef`, GROUP);
    expect(await code()).toBe(404);
    await tree.add(GROUP, '', { format: 'node' });
    await tree.replace(`${GROUP}?prop=ACL`, 'Add=srv&Get=srv&Replace=srv');
    expect(await code()).toBe(412);
    await tree.add(`${GROUP}/Members/1/DeviceID`, 'urn:dev:1');
    expect(await code()).toBe(425);
    await tree.replace(`${GROUP}?prop=ACL`, 'Add=srv&Get=*&Replace=srv');
    expect(await code()).toBe(409);
    expect(await tree.store.fanOut.runs(undefined, 10)).toEqual([]);
  });
});
