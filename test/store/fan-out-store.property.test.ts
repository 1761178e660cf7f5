import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryFanOutStore } from '../fanout/memory-store.ts';
import { OUTCOMES, type SettledOutcome } from '../../src/fanout/outcome.ts';
import type { FanOutStore, Target, TargetMove } from '../../src/fanout/store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { type Groups, memberDevices, newRun, storeGroups, T0 } from './store-fixture.ts';

const DEVICES = [1, 2, 3, 4].map(
  (n) => ({ deviceId: `urn:dev:test:${n}`, account: n === 4 ? 'none' : n === 3 ? 'polling' : 'notified' }) as const,
);
const GROUPS: Groups = { all: DEVICES, some: [DEVICES[2], DEVICES[0]].filter((device) => !!device), empty: [] };
const SETTLED = OUTCOMES.filter((outcome): outcome is SettledOutcome => outcome !== 'pending');

/** One operation; answers what the store said. */
type Operation = (store: FanOutStore) => Promise<unknown>;

const time = fc.integer({ min: 0, max: 40 }).map((offset) => T0 + offset);
// Mostly the first two members of the first run, so that it is completed and late answers come.
const run = fc.constantFrom(1, 1, 1, 1, 2, 3);
const n = fc.constantFrom(1, 1, 2, 2, 3, 4);
const deviceKey = fc.integer({ min: 1, max: 4 });
const contact = fc.constantFrom('none', 'unauthorized');
const settledOutcome = fc.constantFrom(...SETTLED, 'unknown' as const);
const text = fc.constantFrom('<a/>', '<b/>', '<c/>');
const alertId = fc.integer({ min: 1, max: 3 });
const targetRef = fc.record({ run, n }).map((place) => place as Target);
const move: fc.Arbitrary<TargetMove> = fc.oneof(
  fc.record({ kind: fc.constant('turn'), dueAt: time, endsAt: time }),
  fc.record({ kind: fc.constant('wait'), dueAt: time, endsAt: time }),
  fc.record({ kind: fc.constant('settle'), outcome: settledOutcome, deResult: text }),
);

const operation: fc.Arbitrary<readonly [string, Operation]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({
        group: fc.constantFrom('all', 'all', 'some', 'empty', 'none'),
        key: fc.constantFrom(undefined, undefined, 'key', 'other'),
        server: fc.constantFrom('srv', 'other', undefined),
        correlator: fc.constantFrom('corr', 'second', 'third', undefined, undefined),
        max: fc.integer({ min: 0, max: 4 }),
        startedAt: time,
      })
      .map(({ group, key, server, correlator, max, startedAt }) =>
        named(`createRun ${group} ${key} ${server} ${correlator} ${max} ${startedAt}`, (store) =>
          store.createRun(newRun({ group, idempotencyKey: key, serverId: server, correlator, startedAt }), max),
        ),
      ),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({
        run,
        now: time,
        by: fc.constantFrom('dueAt', 'endsAt'),
        limit: fc.integer({ min: 1, max: 5 }),
        maxTurns: fc.integer({ min: 0, max: 4 }),
        moves: fc.array(move, { minLength: 1, maxLength: 4 }),
      })
      .map(({ run: number, now, moves, ...limits }) =>
        named(`claimDue ${number} ${now} ${JSON.stringify({ ...limits, moves })}`, async (store) => {
          const seen: Target[] = [];
          const claim = await store.claimDue(number, now, limits, (target) => {
            seen.push(target);
            return moves[target.n % moves.length] ?? moves[0]!;
          });
          return { seen, claim };
        }),
      ),
  },
  fc.tuple(run).map(([number]) => named(`deleteRun ${number}`, (store) => store.deleteRun(number))),
  {
    weight: 4,
    arbitrary: fc.tuple(deviceKey, time, time).map(([key, now, endsAt]) =>
      named(`serve ${key} ${now} ${endsAt}`, async (store) => {
        const target = await store.nextForDevice(key);
        return { target, marked: target && (await store.markSent(target, now, endsAt)) };
      }),
    ),
  },
  fc
    .tuple(targetRef, time, time)
    .map(([target, now, endsAt]) =>
      named(`markSent ${target.run}/${target.n} ${now} ${endsAt}`, (store) => store.markSent(target, now, endsAt)),
    ),
  fc
    .tuple(
      targetRef,
      fc.record({ lastContact: contact, sentAt: fc.option(time, { nil: undefined }), dueAt: time, endsAt: time }),
    )
    .map(([target, values]) =>
      named(`markUnsent ${target.run}/${target.n} ${JSON.stringify(values)}`, (store) =>
        store.markUnsent(target, values),
      ),
    ),
  targetRef.map((target) =>
    named(`noteRefusedNotification ${target.run}/${target.n}`, (store) => store.noteRefusedNotification(target)),
  ),
  fc
    .tuple(deviceKey, contact)
    .map(([key, what]) => named(`noteContact ${key} ${what}`, (store) => store.noteContact(key, what))),
  {
    weight: 2,
    arbitrary: fc
      .tuple(targetRef, text)
      .map(([target, part]) =>
        named(`recordPartial ${target.run}/${target.n} ${part}`, (store) => store.recordPartial(target, part)),
      ),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(targetRef, settledOutcome, text, time)
      .map(([target, outcome, deResult, now]) =>
        named(`settle ${target.run}/${target.n} ${outcome} ${deResult} ${now}`, (store) =>
          store.settle(target, outcome, deResult, now),
        ),
      ),
  },
  fc.tuple(alertId, time).map(([id, now]) => named(`accept ${id}`, (store) => store.alertAccepted(id, now))),
  fc.tuple(alertId, time).map(([id, now]) => named(`reject ${id}`, (store) => store.alertRejected(id, now))),
  fc.tuple(alertId, time).map(([id, at]) => named(`defer ${id} ${at}`, (store) => store.alertDeferred(id, at))),
);

function named(name: string, operate: Operation): readonly [string, Operation] {
  return [name, operate];
}

/** Something to work on from the first operation on. */
const START = named('createRun some', (store) => store.createRun(newRun({ group: 'some', startedAt: T0 + 5 }), 1));

/** All that can be read from a store. */
async function everything(store: FanOutStore): Promise<unknown> {
  const runs = await store.runs(undefined, 100);
  return {
    runs,
    active: await store.activeRuns(),
    members: await Promise.all(
      runs.map(async ({ number }) => ({
        all: await store.members(number, 0, 100),
        unknown: await store.members(number, 1, 2, 'unknown'),
        nextDueAt: await store.nextDueAt(number),
      })),
    ),
    waiting: await Promise.all([1, 2, 3].map((key) => store.nextForDevice(key))),
    sent: await store.sentTargets(undefined, 100),
    alerts: await Promise.all(['srv', 'other'].map((server) => store.dueAlerts(server, T0 + 20, 100))),
    nextAlerts: await Promise.all(['srv', 'other'].map((server) => store.nextAlertDueAt(server))),
  };
}

describe('fan-out stores', () => {
  it('store: SQLite does and answers the same as memory, whatever is asked of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), async (drawn) => {
        const operations = [START, ...drawn];
        const memory = new MemoryFanOutStore(memberDevices(GROUPS));
        const gateway = await openGatewayStore('sqlite::memory:');
        try {
          await storeGroups(gateway, GROUPS);
          for (const [name, operate] of operations) {
            expect([name, await operate(gateway.fanOut)]).toEqual([name, await operate(memory)]);
          }
          expect(await everything(gateway.fanOut)).toEqual(await everything(memory));
          for (const { counts } of await gateway.fanOut.runs(undefined, 100)) {
            expect(OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0)).toBe(counts.targets);
          }
        } finally {
          await gateway.close();
        }
      }),
      { numRuns: 100 },
    );
  });
});
