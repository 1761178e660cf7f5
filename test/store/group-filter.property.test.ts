import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FILTER_FIELDS,
  type FilterField,
  formatGroupFilter,
  type GroupFilter,
  parseGroupFilter,
} from '../../src/fanout/group-filter.ts';
import { StatusError } from '../../src/protocol/errors.ts';
import type { Inventory } from '../../src/store/devices.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { newDevice, T0 } from './store-fixture.ts';

interface FilteredDevice {
  readonly deviceId: string;
  readonly inventory: Inventory;
  readonly lastSeenAt: number | undefined;
  readonly isDecommissioned: boolean;
}

/** Few characters, so that values meet; those that GLOB, SQL and the filter's own quotes take for something else. */
const VALUE = fc.string({
  unit: fc.constantFrom('a', 'b', 'B', 'é', '[', ']', '^', '-', '\\', '"', "'", '%', '_', '*', '?', '😀'),
  maxLength: 4,
});
const PATTERN = fc.string({ unit: fc.constantFrom('a', 'b', '[', ']', '^', 'é', '\\', '*', '?', '😀'), maxLength: 4 });
const SEEN_AT = fc.option(fc.integer({ min: T0 - 20_000, max: T0 }), { nil: undefined });

const { filter: FILTER } = fc.letrec<{ filter: GroupFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({
      kind: fc.constant('text' as const),
      field: fc.constantFrom(...FILTER_FIELDS),
      operator: fc.constantFrom('=' as const, '!=' as const, '~' as const),
      value: fc.oneof(VALUE, PATTERN, fc.constantFrom('registered', 'attached', 'd1', 'd*')),
    }),
    fc.record({
      kind: fc.constant('seen' as const),
      operator: fc.constantFrom('<' as const, '>' as const),
      ageMs: fc.integer({ min: 0, max: 30 }).map((seconds) => seconds * 1_000),
    }),
    fc.record({ kind: fc.constant('not' as const), part: tie('filter') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      parts: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}));

const DEVICES = fc
  .array(
    fc.record({
      inventory: fc.record(
        { man: VALUE, mod: VALUE, dmV: VALUE, lang: VALUE, fwV: VALUE, swV: VALUE, hwV: VALUE },
        { requiredKeys: [] },
      ),
      lastSeenAt: SEEN_AT,
      isDecommissioned: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  .map((devices) => devices.map((device, index): FilteredDevice => ({ deviceId: `d${index}`, ...device })));

/** What the documentation says, in plain words. */
function matches(filter: GroupFilter, device: FilteredDevice): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => matches(part, device));
    case 'or':
      return filter.parts.some((part) => matches(part, device));
    case 'not':
      return !matches(filter.part, device);
    case 'text': {
      const value = valueOf(filter.field, device);
      if (filter.operator === '~') return globMatches(Array.from(filter.value), Array.from(value));
      return (value === filter.value) === (filter.operator === '=');
    }
    case 'seen': {
      const ageMs = device.lastSeenAt === undefined ? Infinity : T0 - device.lastSeenAt;
      return filter.operator === '<' ? ageMs < filter.ageMs : ageMs > filter.ageMs;
    }
  }
}

function valueOf(field: FilterField, { deviceId, inventory, lastSeenAt }: FilteredDevice): string {
  switch (field) {
    case 'DeviceID':
      return deviceId;
    case 'State':
      return lastSeenAt === undefined ? 'registered' : 'attached';
    case 'Man':
      return inventory.man ?? '';
    case 'Mod':
      return inventory.mod ?? '';
    case 'DmV':
      return inventory.dmV ?? '';
    case 'Lang':
      return inventory.lang ?? '';
    case 'FwV':
      return inventory.fwV ?? '';
    case 'SwV':
      return inventory.swV ?? '';
    case 'HwV':
      return inventory.hwV ?? '';
  }
}

function globMatches([first, ...pattern]: readonly string[], text: readonly string[]): boolean {
  if (first === undefined) return text.length === 0;
  if (first === '*')
    return globMatches(pattern, text) || (text.length > 0 && globMatches([first, ...pattern], text.slice(1)));
  return text.length > 0 && (first === '?' || first === text[0]) && globMatches(pattern, text.slice(1));
}

let store: GatewayStore;
beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
});
afterEach(() => store.close());

async function fill(devices: readonly FilteredDevice[]): Promise<void> {
  await store.devices.add(devices.map(({ deviceId }) => newDevice(deviceId)));
  for (const { deviceId, inventory, lastSeenAt, isDecommissioned } of devices) {
    const account = await store.devices.byDeviceId(deviceId);
    // The store notes inventory and the last contact together.
    if (lastSeenAt !== undefined) await store.devices.saveInventory(account!.key, inventory, lastSeenAt);
    if (isDecommissioned) await store.devices.decommission(deviceId, T0);
  }
}

describe('group filters', () => {
  it('store: finds the devices that a filter describes, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(DEVICES, fc.array(FILTER, { minLength: 1, maxLength: 10 }), async (drawn, filters) => {
        const devices = drawn.map((device) =>
          device.lastSeenAt === undefined ? { ...device, inventory: {} } : device,
        );
        await fill(devices);
        await store.groups.create('all');
        for (const filter of filters) {
          await store.groups.setFilter('all', formatGroupFilter(filter));
          const { members } = await store.groups.resolvedMembers('all', 0, 100, T0);
          const expected = devices.filter((device) => !device.isDecommissioned && matches(filter, device));
          expect(members.map(({ deviceId }) => deviceId)).toEqual(expected.map(({ deviceId }) => deviceId));
        }
        for (const { deviceId } of devices) await store.devices.remove(deviceId);
        await store.groups.remove('all');
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('store: takes 400 comparisons as deep as they may be', async () => {
    await fill([{ deviceId: 'd0', inventory: { man: 'm' }, lastSeenAt: T0, isDecommissioned: false }]);
    const long = `Man="m"${'or Man=""'.repeat(400)}`;
    const deep = `${'not('.repeat(16)}Man = "m"${')'.repeat(16)}`;
    await store.groups.create('all');
    for (const filter of [long, deep]) {
      parseGroupFilter(filter);
      await store.groups.setFilter('all', filter);
      expect(await store.groups.resolvedCount('all', T0)).toBe(1);
    }
  });

  it('gateway: reads every filter that it writes', () => {
    fc.assert(
      fc.property(FILTER, (filter) => {
        expect(parseGroupFilter(formatGroupFilter(filter))).toEqual(filter);
      }),
    );
  });

  it('gateway: reads any text as a filter or refuses it with 400', () => {
    const word = fc.constantFrom(
      'Man',
      'LastSeen',
      'and',
      'or',
      'not',
      '(',
      ')',
      '=',
      '!=',
      '~',
      '<',
      '"a"',
      '3d',
      ' ',
      '"',
      '\\',
    );
    const soup = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(soup, (text) => {
        try {
          const filter = parseGroupFilter(text);
          expect(parseGroupFilter(formatGroupFilter(filter))).toEqual(filter);
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError);
          expect(error).toMatchObject({ status: 400, code: 'FANOUT_GROUP_FILTER' });
        }
      }),
      { numRuns: 600 },
    );
  });
});
