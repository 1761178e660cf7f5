import fc from 'fast-check';
import { expect } from 'vitest';
import type { Carrier } from '../../src/fanout/engine.ts';
import type { SettledOutcome } from '../../src/fanout/outcome.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/fanout/policy.ts';
import { parseWaves } from '../../src/fanout/waves.ts';
import { type EngineModel, type Held, type ListName, LISTS, type ModelRun, settle } from './engine-model.ts';
import { quiet } from './fake-clock.ts';
import { type Scenario, statuses } from './scenario.ts';

type Command = fc.AsyncCommand<EngineModel, Scenario>;

const SECOND = 1_000;
/** Keys of the devices that have an account. */
const KEYS = [1, 2, 3, 4] as const;
const GROUP = [...KEYS, undefined] as const;
const MAX_ACTIVE_RUNS = 3;
const CARRIER: Carrier = { form: { encoding: 'xml' }, maxMsgBytes: undefined, maxObjBytes: undefined };

interface PolicyChoice extends Pick<
  Policy,
  'awaitAsync' | 'repeatUnsafe' | 'offline' | 'maxFailures' | 'quorum' | 'concurrency'
> {
  readonly waves: string;
  readonly startsInMs: number | undefined;
  readonly closesInMs: number | undefined;
}

const policies: fc.Arbitrary<PolicyChoice> = fc.record({
  awaitAsync: fc.boolean(),
  repeatUnsafe: fc.boolean(),
  offline: fc.constantFrom('wait', 'skip'),
  waves: fc.constantFrom('100%', '2', '1,2'),
  maxFailures: fc.constantFrom(0, 50, 100),
  quorum: fc.constantFrom(0, 50),
  concurrency: fc.constantFrom(1, 2, 256),
  startsInMs: fc.option(fc.constant(10 * SECOND), { freq: 4, nil: undefined }),
  closesInMs: fc.option(fc.constant(25 * SECOND), { freq: 4, nil: undefined }),
});

/** Picks one of those that fit, whichever these are when it comes to it. */
const picks = fc.nat({ max: 11 });

const starts = fc
  .record({ list: fc.constantFrom<ListName>('harmless', 'exec', 'update'), policy: policies })
  .map(start);

const events: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: starts },
  { weight: 6, arbitrary: picks.map(comes) },
  { weight: 6, arbitrary: fc.record({ pick: picks, code: fc.constantFrom(200, 202, 202, 500) }).map(answers) },
  { weight: 2, arbitrary: fc.record({ pick: picks, code: fc.constantFrom(200, 202, undefined) }).map(answersPart) },
  { weight: 1, arbitrary: picks.map(goesOn) },
  { weight: 2, arbitrary: fc.record({ pick: picks, how: fc.constantFrom('lost', 'refused') }).map(loses) },
  { weight: 2, arbitrary: fc.record({ pick: picks, data: fc.constantFrom('200', '500') }).map(tellsEnd) },
  { weight: 1, arbitrary: picks.map(failsContact) },
  { weight: 1, arbitrary: picks.map(isGone) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 25 * SECOND }).map(advance) },
  { weight: 1, arbitrary: fc.constantFrom(-60, -4, 4, 15, 60).map((seconds) => jump(seconds * SECOND)) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 * SECOND }).map(crash) },
  {
    weight: 3,
    arbitrary: fc.record({ pick: picks, verb: fc.constantFrom('pause', 'resume', 'resume', 'cancel') }).map(steer),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        pick: picks,
        outcomes: fc.subarray<SettledOutcome>(['succeeded', 'failed', 'timed-out', 'unknown', 'cancelled'], {
          minLength: 1,
        }),
      })
      .map(retry),
  },
);

/** A run, and whatever can happen to the engine; each is checked against the model. */
export const engineCommands: fc.Arbitrary<readonly Command[]> = fc
  .tuple(starts, fc.array(events, { maxLength: 28, size: 'max' }))
  .map(([first, others]) => [first, ...others]);

/** Something that happens to one of those that fit; nothing when none does. */
function commandFor<T>(
  name: string,
  fitting: (model: EngineModel) => readonly T[],
  pick: number,
  run: (one: T, model: EngineModel, scenario: Scenario) => Promise<void>,
): Command {
  return command(
    `${name} (${pick})`,
    (model, scenario) => {
      const all = fitting(model);
      return run(all[pick % all.length]!, model, scenario);
    },
    (model) => fitting(model).length > 0,
  );
}

/** Sessions that were given commands. */
function holding(isFitting: (held: Held) => boolean = () => true) {
  return ({ sessions }: EngineModel): readonly (readonly [number, Held])[] =>
    [...sessions].flatMap(([key, held]) => (held && isFitting(held) ? [[key, held] as const] : []));
}

function command(
  name: string,
  run: (model: EngineModel, scenario: Scenario) => Promise<void>,
  check: (model: EngineModel) => boolean = () => true,
): Command {
  return {
    check,
    async run(model, scenario) {
      await run(model, scenario);
      await quiet();
      await model.sync(scenario);
    },
    toString: () => name,
  };
}

function start({ list, policy }: { list: ListName; policy: PolicyChoice }): Command {
  const { waves, startsInMs, closesInMs, ...choice } = policy;
  return command(`start ${list} ${JSON.stringify(policy)}`, async (model, scenario) => {
    const wallNow = scenario.clock.wallNow();
    const starting = scenario.start(
      {
        ...DEFAULT_POLICY,
        ...choice,
        waves: parseWaves(waves),
        deviceDeadlineMs: 20 * SECOND,
        runDeadlineMs: 60 * SECOND,
        attempts: 2,
        backoffMs: 4 * SECOND,
        notBefore: startsInMs === undefined ? undefined : wallNow + startsInMs,
        notAfter: closesInMs === undefined ? undefined : wallNow + closesInMs,
      },
      { commands: LISTS[list] },
    );
    if (model.active.length >= MAX_ACTIVE_RUNS) {
      await expect(starting).rejects.toMatchObject({ status: 403 });
      return;
    }
    model.add(await starting, list, GROUP);
  });
}

function retry({ pick, outcomes }: { pick: number; outcomes: readonly SettledOutcome[] }): Command {
  return commandFor(
    `retry ${outcomes.join(' ')}`,
    ({ runs }) => runs,
    pick,
    async (earlier, model, { engine }) => {
      const retrying = engine.retryRun({
        run: earlier.number,
        outcomes,
        serverId: 'dm-server',
        correlator: undefined,
        idempotencyKey: undefined,
        policy: {},
      });
      const members = earlier.members.filter(({ outcome }) => outcomes.some((one) => one === outcome));
      const status = model.active.includes(earlier)
        ? 405
        : members.length === 0
          ? 412
          : model.active.length >= MAX_ACTIVE_RUNS
            ? 403
            : undefined;
      if (status !== undefined) await expect(retrying).rejects.toMatchObject({ status });
      else {
        const memberKeys = members.map(({ key }) => key);
        model.add(await retrying, earlier.list, memberKeys);
      }
    },
  );
}

/** The session asks for what is next, and is over when there is nothing. */
async function take(key: number, model: EngineModel, { engine, clock }: Scenario): Promise<void> {
  const expected = model.nextFor(key, clock.wallNow());
  const assignment = await engine.nextFor(key, CARRIER);
  expect(assignment && [assignment.target.run, assignment.target.n]).toEqual(
    expected && [expected.run.number, expected.member.n],
  );
  if (expected && assignment) model.taken(key, assignment, expected.run, expected.member);
  else {
    model.sessions.delete(key);
    engine.sessionClosed(key);
  }
}

function comes(pick: number): Command {
  return commandFor(
    'a device comes',
    (model) => {
      const absent = KEYS.filter((key) => !model.sessions.has(key));
      const awaited = absent.filter((key) => model.nextFor(key, 0));
      return pick % 4 > 0 && awaited.length > 0 ? awaited : absent;
    },
    pick,
    async (key, model, scenario) => {
      model.sessions.set(key, undefined);
      scenario.engine.sessionOpened(key);
      await take(key, model, scenario);
    },
  );
}

function answers({ pick, code }: { pick: number; code: 200 | 202 | 500 }): Command {
  return commandFor(`a device answers ${code}`, holding(), pick, async ([key, held], model, scenario) => {
    await scenario.engine.answered(held.assignment, statuses(held.assignment.commands, code));
    // A Status that came before stays.
    model.answered(held, code === 200 ? (held.member.parts ?? 200) : code);
    await take(key, model, scenario);
  });
}

/** With a code every Status comes, and the package goes on; without one only the first. */
function answersPart({ pick, code }: { pick: number; code: 200 | 202 | undefined }): Command {
  return commandFor(
    code === undefined ? 'a device answers a part' : `a device answers ${code} in parts`,
    holding(({ member }) => member.phase === 'sent'),
    pick,
    async ([, { assignment, member }], _model, { engine }) => {
      const { commands } = assignment;
      await engine.answered(assignment, statuses(code === undefined ? commands.slice(0, 1) : commands, code), true);
      const isWhole = code !== undefined || commands.length === 1;
      if (isWhole) member.parts = code === 202 || member.parts === 202 ? 202 : 200;
    },
  );
}

/** The package is over: the session asks for what is next. */
function goesOn(pick: number): Command {
  const isWhole = ({ member }: Held): boolean => member.parts !== undefined;
  return commandFor('a session goes on', holding(isWhole), pick, async ([key, held], model, scenario) => {
    if (held.member.parts) model.answered(held, held.member.parts);
    await take(key, model, scenario);
  });
}

function loses({ pick, how }: { pick: number; how: 'lost' | 'refused' }): Command {
  return commandFor(
    `a session is ${how}`,
    holding(({ member }) => how === 'lost' || member.parts === undefined),
    pick,
    async ([key, held], model, { engine }) => {
      await engine.sessionLost(held.assignment, how);
      model.lost(held, how);
      model.sessions.delete(key);
      engine.sessionClosed(key);
    },
  );
}

function tellsEnd({ pick, data }: { pick: number; data: string }): Command {
  const name = `a device tells the end of its Exec: ${data}`;
  const expectingFirst = (model: EngineModel): readonly number[] => {
    const expecting = KEYS.filter((key) => model.expecting(key));
    return expecting.length > 0 ? expecting : KEYS;
  };
  return commandFor(name, expectingFirst, pick, async (key, model, { engine }) => {
    const held = model.sessions.get(key);
    if (held?.member.phase === 'sent' && held.member.parts === 202 && held.run.list === 'update') {
      model.answered(held, 202);
    }
    const expecting = model.expecting(key);
    const isTold = await engine.asyncAlert(key, {
      kind: 'Alert',
      cmdId: '1',
      code: 1226,
      items: [{ source: { locUri: 'FUMO/Update' }, data }],
    });
    expect(isTold).toBe(expecting !== undefined);
    if (!expecting) return;
    const { run, member } = expecting;
    member.isExpecting = false;
    const isOpen = member.phase === 'awaiting' || (member.outcome === 'unknown' && !member.late);
    if (isOpen && run.policy.awaitAsync) settle(member, data === '200' ? 'succeeded' : 'failed');
  });
}

function failsContact(pick: number): Command {
  return commandFor(
    'contact with a device fails',
    () => KEYS,
    pick,
    async (key, model, { engine }) => {
      await engine.contactFailed(key, 'unauthorized');
      for (const { members } of model.active) {
        for (const member of members) if (member.key === key && member.phase === 'unsent') member.unauthorized = true;
      }
    },
  );
}

function isGone(pick: number): Command {
  return commandFor(
    'a device is gone',
    () => KEYS,
    pick,
    async (key, model, { engine }) => {
      const waiting = model.active.flatMap(({ members }) =>
        members.filter((member) => member.key === key && member.phase === 'unsent'),
      );
      expect(await engine.deviceGone(key)).toBe(waiting.length);
      for (const member of waiting) {
        settle(member, member.wasSent ? 'unknown' : member.unauthorized ? 'unauthorized' : 'unreachable');
      }
    },
  );
}

function advance(byMs: number): Command {
  return command(`${byMs} ms pass`, (_model, { clock }) => clock.advance(byMs));
}

function jump(byMs: number): Command {
  return command(`the wall clock jumps by ${byMs} ms`, (_model, { clock }) => {
    clock.jumpWall(byMs);
    return Promise.resolve();
  });
}

function crash(downMs: number): Command {
  return command(`crash, down for ${downMs} ms`, async (model, scenario) => {
    await scenario.restart(downMs);
    model.crashed(scenario.clock.now());
  });
}

const STATES_FOR = {
  pause: { from: ['scheduled', 'running'], already: ['paused'], to: 'paused' },
  resume: { from: ['paused'], already: ['scheduled', 'running'], to: 'running' },
  cancel: { from: ['scheduled', 'running', 'paused'], already: ['cancelling'], to: 'cancelling' },
} as const;

function steer({ pick, verb }: { pick: number; verb: keyof typeof STATES_FOR }): Command {
  const wish: { from: readonly string[]; already: readonly string[]; to: 'paused' | 'running' | 'cancelling' } =
    STATES_FOR[verb];
  const fittingFirst = ({ runs }: EngineModel): readonly ModelRun[] => {
    const fitting = runs.filter(({ state }) => wish.from.includes(state));
    const busy = fitting.filter(({ members }) => members.some(({ phase }) => phase === 'sent' || phase === 'awaiting'));
    if (pick % 4 > 0 && busy.length > 0) return busy;
    return fitting.length > 0 ? fitting : runs;
  };
  return commandFor(`${verb} a run`, fittingFirst, pick, async (run, _model, { engine, clock }) => {
    const asked = engine[`${verb}Run`](run.number);
    if (wish.already.includes(run.state)) expect((await asked).state).toBe(run.state);
    else if (!wish.from.includes(run.state)) await expect(asked).rejects.toMatchObject({ status: 405 });
    else {
      const isToCome = verb === 'resume' && clock.wallNow() < (run.policy.notBefore ?? 0);
      const { state, released, pauseCause } = await asked;
      expect(state).toBe(isToCome ? 'scheduled' : wish.to);
      if (verb === 'resume' && run.pauseCause === 'failures') expect(released).toBeGreaterThan(run.released);
      else expect(released).toBe(run.released);
      Object.assign(run, { state, released, pauseCause });
      if (verb === 'cancel') run.awaitedUntil = clock.now() + run.policy.deviceDeadlineMs;
    }
  });
}
