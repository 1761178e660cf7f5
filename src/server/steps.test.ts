import { describe, expect, it } from 'vitest';
import { status } from '../../test/server/answers.ts';
import { fanOutCommands } from './fan-out-steps.ts';
import { advanceGroup, groupCommands, type GroupState } from './group-steps.ts';

describe('group job', () => {
  const spec = { group: 'meters', deviceIds: Array.from({ length: 150 }, (_value, index) => `urn:dev:${index}`) };

  it('adds the group and then its members page by page', () => {
    let state: GroupState = { phase: 'creating', resumed: false };
    const sent: number[] = [];
    for (;;) {
      const [command] = groupCommands(state, spec);
      sent.push(command && 'items' in command ? command.items.length : 0);
      const advance = advanceGroup(state, spec, [status('1', 200)]);
      if (advance.kind !== 'next') {
        expect(advance).toEqual({
          kind: 'done',
          events: [{ step: 1, what: 'group ./GwConfig/DeviceGroups/meters created with 150 members' }],
        });
        break;
      }
      state = advance.state;
    }
    expect(sent).toEqual([1, 100, 50]);
  });

  it('adds other groups after the devices, and the filter last', () => {
    const order = { group: 'all', deviceIds: ['urn:dev:1'], groupRefs: ['meters', '100% blau'], filter: 'Man = "a"' };
    const filling: GroupState = { phase: 'filling', done: 0 };
    expect(groupCommands(filling, order)).toMatchObject([
      {
        kind: 'Add',
        items: [
          { target: { locUri: './GwConfig/DeviceGroups/all/Members/1/DeviceID' }, data: 'urn:dev:1' },
          {
            target: { locUri: './GwConfig/DeviceGroups/all/Members/2/GroupRef' },
            data: './GwConfig/DeviceGroups/meters',
          },
          {
            target: { locUri: './GwConfig/DeviceGroups/all/Members/3/GroupRef' },
            data: './GwConfig/DeviceGroups/100%25 blau',
          },
        ],
      },
    ]);
    expect(advanceGroup(filling, order, [status('1', 200)])).toMatchObject({ state: { phase: 'filtering' } });
    expect(groupCommands({ phase: 'filtering' }, order)).toMatchObject([
      {
        kind: 'Add',
        items: [{ target: { locUri: './GwConfig/DeviceGroups/all/Ext/Filter' }, data: 'Man = "a"' }],
      },
    ]);
    expect(advanceGroup({ phase: 'filtering' }, order, [status('1', 418)])).toEqual({
      kind: 'done',
      events: [{ step: 1, what: 'group ./GwConfig/DeviceGroups/all created with 3 members and a filter' }],
    });
    const alone = { group: 'all', deviceIds: [], filter: 'Man = "a"' };
    const created = advanceGroup({ phase: 'creating', resumed: false }, alone, [status('1', 200)]);
    expect(created).toMatchObject({ state: { phase: 'filtering' } });
  });

  it('fails with the cause that the gateway names for a filter or a loop', () => {
    const order = { group: 'all', deviceIds: [], groupRefs: ['all'], filter: 'x' };
    expect(advanceGroup({ phase: 'filtering' }, order, [status('1', 400, 'at character 0')])).toMatchObject({
      kind: 'failed',
      message: 'the filter of ./GwConfig/DeviceGroups/all was refused with 400: at character 0',
    });
    expect(advanceGroup({ phase: 'filling', done: 0 }, order, [status('1', 409, 'a loop')])).toMatchObject({
      kind: 'failed',
      message: 'members of ./GwConfig/DeviceGroups/all were refused with 409: a loop',
    });
  });

  it('fails when the group is there, and says so', () => {
    const refused = [status('1', 418)];
    expect(advanceGroup({ phase: 'creating', resumed: false }, spec, refused)).toMatchObject({
      kind: 'failed',
      code: 'STATUS_418',
    });
    expect(advanceGroup({ phase: 'creating', resumed: true }, spec, refused)).toMatchObject({ kind: 'next' });
  });

  it('takes members that an answer got lost for as added', () => {
    const answers = [status('1', 418), status('1', 200)];
    expect(advanceGroup({ phase: 'filling', done: 0 }, spec, answers)).toMatchObject({ kind: 'next' });
  });

  it('fails when the gateway leaves the Status out', () => {
    expect(advanceGroup({ phase: 'filling', done: 100 }, spec, [])).toEqual({
      kind: 'failed',
      code: 'STATUS_MISSING',
      message:
        'Add to ./GwConfig/DeviceGroups/meters was left without a Status: the gateway ended its package and did not answer it',
    });
  });
});

it('server: escapes what a LocURI cannot hold in the name of a group, wherever it names it', () => {
  const group = '100% blau';
  const commands = [
    ...groupCommands({ phase: 'creating', resumed: false }, { group, deviceIds: [] }),
    ...fanOutCommands(
      { phase: 'setting' },
      { kind: 'fanout', fanOutRoot: './SCM', group, commands: '<Get/>', correlator: 'c' },
    ),
  ];
  const named = commands.flatMap((command) =>
    'items' in command ? command.items.map(({ target, data }) => `${target?.locUri ?? ''} ${String(data)}`) : [],
  );
  expect(named[0]).toBe('./GwConfig/DeviceGroups/100%25 blau ');
  expect(named).toContain('./SCM/FanOut/TargetGroupRef ./GwConfig/DeviceGroups/100%25 blau');
});
