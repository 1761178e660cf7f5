import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryFanOutStore } from '../fanout/memory-store.ts';
import { EMPTY_DIGEST, moveDigest } from '../../src/fanout/digest.ts';
import { type Counts, countsFrom, type Outcome, OUTCOMES, type SettledOutcome } from '../../src/fanout/outcome.ts';
import type { ClaimLimits, FanOutStore, Member, Target, TargetMove } from '../../src/fanout/store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { ending as endingOf, type Groups, memberDevices, newRun, storeGroups, T0, terms } from './store-fixture.ts';

const DEVICES = [1, 2, 3, 4].map(
  (n) => ({ deviceId: `urn:dev:test:${n}`, account: n === 4 ? 'none' : n === 3 ? 'polling' : 'notified' }) as const,
);
const GROUPS: Groups = { all: DEVICES, some: [DEVICES[2], DEVICES[0]].filter((device) => !!device), empty: [] };
const KINDS = ['answer', 'status', 'value'] as const;
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
const execs = fc.constantFrom(0, 0, 1, 2);
const ending = fc.tuple(settledOutcome, fc.constantFrom('200', '404', '504'), execs).map((parts) => endingOf(...parts));
const state = fc.constantFrom('scheduled', 'running', 'running', 'paused', 'cancelling');
const by: fc.Arbitrary<ClaimLimits['by']> = fc.constantFrom('dueAt', 'endsAt', 'unsent');
const alertId = fc.integer({ min: 1, max: 3 });
const targetRef = fc.record({ run, n }).map((place) => place as Target);
const move: fc.Arbitrary<TargetMove> = fc.oneof(
  fc.record({ kind: fc.constant('turn'), dueAt: time, endsAt: time }),
  fc.record({ kind: fc.constant('wait'), dueAt: time, endsAt: time }),
  ending.map((settled) => ({ kind: 'settle' as const, ...settled })),
);

const operation: fc.Arbitrary<readonly [string, Operation]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({
        group: fc.constantFrom('all', 'all', 'some', 'empty', 'none'),
        retryOf: fc.constantFrom(undefined, undefined, undefined, 1, 2),
        outcome: fc.constantFrom(...SETTLED),
        key: fc.constantFrom(undefined, undefined, 'key', 'other'),
        server: fc.constantFrom('srv', 'other', undefined),
        correlator: fc.constantFrom('corr', 'second', 'third', undefined, undefined),
        max: fc.integer({ min: 0, max: 4 }),
        startedAt: time,
        firstWave: fc.constantFrom(0, 1, 2, 9),
        quorum: fc.constantFrom(undefined, 1, 2),
        lateAlert: fc.boolean(),
        scheduled: fc.boolean(),
      })
      .map(({ group, retryOf, outcome, key, server, correlator, max, startedAt, firstWave, quorum, ...more }) => {
        const order = newRun({
          group,
          retryOf: retryOf === undefined ? undefined : { run: retryOf, outcomes: [outcome] },
          idempotencyKey: key,
          serverId: server,
          correlator,
          startedAt,
          policy: { ...newRun().policy, lateAlert: more.lateAlert },
          state: more.scheduled ? 'scheduled' : 'running',
        });
        const name = { group, retryOf, outcome, key, server, correlator, max, startedAt, firstWave, quorum, ...more };
        return named(`createRun ${JSON.stringify(name)}`, (store) =>
          store.createRun(order, terms({ maxActiveRuns: max, firstWave: () => firstWave, quorum: () => quorum })),
        );
      }),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({
        run,
        now: time,
        by,
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
      .tuple(targetRef, ending, time)
      .map(([target, settled, now]) =>
        named(`settle ${target.run}/${target.n} ${JSON.stringify(settled)} ${now}`, (store) =>
          store.settle(target, settled, now),
        ),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(run, fc.uniqueArray(state, { minLength: 1 }), state, fc.constantFrom('asked', 'failures'), fc.option(time))
      .map(([number, from, to, cause, endsAt]) =>
        named(`changeState ${number} ${from.join('|')} ${to} ${cause} ${endsAt}`, (store) =>
          store.changeState(number, from, to, cause, endsAt ?? undefined),
        ),
      ),
  },
  fc
    .tuple(run, fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 4 }))
    .map(([number, wave, released]) =>
      named(`beginWave ${number} ${wave} ${released}`, (store) => store.beginWave(number, wave, released)),
    ),
  fc
    .tuple(run, time, fc.integer({ min: 1, max: 3 }))
    .map(([number, now, limit]) =>
      named(`releaseHeld ${number} ${now} ${limit}`, (store) => store.releaseHeld(number, now, limit)),
    ),
  {
    weight: 2,
    arbitrary: fc
      .tuple(targetRef, ending, time)
      .map(([target, settled, endsAt]) =>
        named(`markAwaiting ${target.run}/${target.n} ${JSON.stringify(settled)} ${endsAt}`, (store) =>
          store.markAwaiting(target, settled, endsAt),
        ),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(targetRef, fc.constantFrom('1', '2'), time)
      .map(([target, cmdId, at]) =>
        named(`recordAsync ${target.run}/${target.n} ${cmdId} ${at}`, (store) =>
          store.recordAsync(target, { cmdId, data: '200', alert: `<alert${cmdId}/>`, at }),
        ),
      ),
  },
  fc
    .tuple(alertId, fc.integer({ min: 1, max: 3 }), time)
    .map(([id, generation, now]) =>
      named(`accept ${id} ${generation} ${now}`, (store) => store.alertAccepted(id, generation, now)),
    ),
  fc.tuple(alertId, time).map(([id, now]) => named(`reject ${id}`, (store) => store.alertRejected(id, now))),
  fc.tuple(alertId, time).map(([id, at]) => named(`defer ${id} ${at}`, (store) => store.alertDeferred(id, at))),
);

function named(name: string, operate: Operation): readonly [string, Operation] {
  return [name, operate];
}

/** Something to work on from the first operation on. */
const START = named('createRun some', (store) =>
  store.createRun(newRun({ group: 'some', startedAt: T0 + 5 }), terms()),
);

/** Counts and digest, taken from the members. */
function aggregateOf(members: readonly Member[]): readonly [Counts, string] {
  const counts = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, members.filter((member) => member.outcome === outcome).length]),
  ) as Record<Outcome, number>;
  const digest = members.reduce((sum, { n, deviceId, deResult }) => {
    return deResult === undefined ? sum : moveDigest(sum, { n, deviceId, deResult }, 'in');
  }, EMPTY_DIGEST);
  return [countsFrom(counts), digest];
}

/** All that can be read from a store. */
async function everything(store: FanOutStore): Promise<unknown> {
  const runs = await store.runs(undefined, 100);
  return {
    runs,
    active: await store.activeRuns(),
    members: await Promise.all(
      runs.map(async ({ number }) => ({
        all: await store.members(number, 0, 100),
        unknown: await store.members(number, 1, 2, { outcome: 'unknown', query: 'TEST' }),
        ofDevice: await store.memberOfDevice(number, 'urn:dev:test:3'),
        outlook: await store.outlook(number),
        clusters: await Promise.all(KINDS.map((kind) => store.clusters(number, kind, 2))),
        clusterMembers: await Promise.all([1, 2, 3].map((id) => store.clusterMembers(number, id, 0, 9))),
        alerts: await store.alertsOfRun(number),
      })),
    ),
    prunable: await store.prunableRuns(T0 + 20, 1, 100),
    waiting: await Promise.all([1, 2, 3].map((key) => store.nextForDevice(key))),
    unsent: await Promise.all([1, 2, 3].map((key) => store.unsentOfDevice(key, 2))),
    expecting: await Promise.all([1, 2, 3].map((key) => store.expectingAsync(key, 9))),
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
          for (const { number, counts, digest } of await gateway.fanOut.runs(undefined, 100)) {
            const members = await gateway.fanOut.members(number, 0, 100);
            expect([counts, digest]).toEqual(aggregateOf(members));
          }
        } finally {
          await gateway.close();
        }
      }),
      { numRuns: 100 },
    );
  });
});
