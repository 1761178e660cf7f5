import { expect } from 'vitest';
import { alertData } from '../../src/fanout/aggregate.ts';
import { decodeDeResult } from '../../src/fanout/de-result.ts';
import { EMPTY_DIGEST, moveDigest } from '../../src/fanout/digest.ts';
import type { Assignment } from '../../src/fanout/engine.ts';
import { facetsOf } from '../../src/fanout/facets.ts';
import { countsFrom, type Outcome, OUTCOMES } from '../../src/fanout/outcome.ts';
import type { Policy } from '../../src/fanout/policy.ts';
import type { EpochMs, Member, PauseCause, Run, RunState } from '../../src/fanout/store.ts';
import { hasTooManyFailures } from '../../src/fanout/waves.ts';
import { EXEC, GET, type Scenario, UPDATE } from './scenario.ts';

/** Command lists by what the model has to know of them. */
export const LISTS = { harmless: [GET], exec: [GET, EXEC], update: [GET, UPDATE] } as const;
export type ListName = keyof typeof LISTS;

/** How long after a start no member expires. */
const GRACE_MS = 30_000;
/** The device whose notifications the transport refuses. */
export const REFUSED_KEY = 3;

/** What the model knows of a member. */
export interface ModelMember {
  readonly n: number;
  readonly key: number | undefined;
  phase: 'unsent' | 'sent' | 'awaiting' | 'settled';
  outcome: Outcome;
  late: boolean;
  /** Commands left once, and it is not known what became of them. */
  wasSent: boolean;
  unauthorized: boolean;
  /** Every Status came with this code, and the package goes on. */
  parts: 200 | 202 | undefined;
  /** An Exec was taken on with 202, and its end was not told. */
  isExpecting: boolean;
  /** While awaiting: its run was being cancelled when that began, so it has no longer than any device. */
  keepsDeadline: boolean;
  sends: number;
}

/** What the model knows of a run. */
export interface ModelRun {
  readonly number: number;
  readonly policy: Policy;
  readonly list: ListName;
  readonly endsAt: EpochMs;
  readonly members: readonly ModelMember[];
  state: RunState;
  pauseCause: PauseCause | undefined;
  released: number;
  /** When a cancelled run gives up the ends of Execs. */
  awaitedUntil: EpochMs;
  /** No member expires before: the process died not long ago. */
  noneExpiresBefore: EpochMs;
}

/** What a device was given and has not finished. */
export interface Held {
  readonly assignment: Assignment;
  readonly run: ModelRun;
  readonly member: ModelMember;
  readonly wasSent: boolean;
}

/** The engine as a few rules: what must be, and what may be, after each thing that happens. [FANOUT 5, 7] */
export class EngineModel {
  readonly runs: ModelRun[] = [];
  /** By device with an open session; undefined: it was given nothing. */
  readonly sessions = new Map<number, Held | undefined>();
  #latestWall = 0;

  add(run: Run, list: ListName, keys: readonly (number | undefined)[]): void {
    const { number, policy, endsAt, state, pauseCause, released } = run;
    const members = keys.map((key, index) => newMember(index + 1, key));
    const times = { endsAt, awaitedUntil: endsAt, noneExpiresBefore: 0 };
    this.runs.push({ number, policy, list, state, pauseCause, released, members, ...times });
  }

  get active(): readonly ModelRun[] {
    return this.runs.filter(({ state }) => state !== 'complete' && state !== 'cancelled');
  }

  /** The member whose commands this device gets next. */
  nextFor(key: number, wallNow: EpochMs): { run: ModelRun; member: ModelMember } | undefined {
    for (const run of this.runs) {
      if (run.state !== 'running' || wallNow >= (run.policy.notAfter ?? Infinity)) continue;
      const member = run.members.find((one) => one.key === key && one.phase === 'unsent' && one.n <= run.released);
      if (member) return { run, member };
    }
    return undefined;
  }

  taken(key: number, assignment: Assignment, run: ModelRun, member: ModelMember): void {
    this.sessions.set(key, { assignment, run, member, wasSent: member.wasSent });
    Object.assign(member, { phase: 'sent', wasSent: true, parts: undefined, sends: member.sends + 1 });
  }

  /** Every Status has come and the package is over. */
  answered({ run, member }: Held, code: 200 | 202 | 500): void {
    const isLate = member.phase === 'settled';
    if (isLate && (member.outcome !== 'unknown' || member.late)) return;
    const hasTakenOn = code === 202 && run.list !== 'harmless';
    const isUnfinished = hasTakenOn && run.policy.awaitAsync;
    if (isLate && isUnfinished && member.isExpecting) return;
    member.isExpecting = hasTakenOn;
    if (isUnfinished && !isLate) {
      member.phase = 'awaiting';
      member.keepsDeadline = run.state === 'cancelling';
    } else settle(member, code === 500 ? 'failed' : isUnfinished ? 'unknown' : 'succeeded');
  }

  /** The session is over before the assignment is. */
  lost(held: Held, how: 'lost' | 'refused'): void {
    const { run, member, wasSent } = held;
    if (member.parts !== undefined && (how === 'lost' || member.phase !== 'sent')) {
      if (how === 'lost') this.answered(held, member.parts);
    } else if (member.phase === 'sent') {
      if (how === 'refused') Object.assign(member, { phase: 'unsent', wasSent, unauthorized: true });
      else if (run.policy.repeatUnsafe || run.list === 'harmless') member.phase = 'unsent';
    }
  }

  crashed(now: EpochMs): void {
    for (const run of this.active) run.noneExpiresBefore = now + GRACE_MS;
    for (const held of this.sessions.values()) if (held?.member.phase === 'sent') this.lost(held, 'lost');
    this.sessions.clear();
  }

  /** The member of this device that an alert about its Exec is for. */
  expecting(key: number): { run: ModelRun; member: ModelMember } | undefined {
    const all = this.runs.flatMap((run) => run.members.map((member) => ({ run, member })));
    const expecting = all.filter(({ run, member }) => {
      return run.list === 'update' && member.key === key && member.isExpecting;
    });
    return expecting.find(({ member }) => member.phase === 'awaiting') ?? expecting[0];
  }

  /** Takes up what time did, after checking that it was due; everything else must be as the model has it. */
  async sync(scenario: Scenario): Promise<void> {
    const { clock, store, completed } = scenario;
    const now = clock.now();
    const latestWall = Math.max(this.#latestWall, clock.wallNow());
    for (const run of this.runs) {
      const real = await store.run(run.number);
      if (!real) throw new Error(`run ${run.number} is gone`);
      const members = await store.members(run.number, 0, Infinity);
      const hadEarly = run.members.some(({ n, phase }) => n > run.released && phase === 'settled');
      for (const [index, member] of run.members.entries()) {
        this.#syncMember(run, member, members[index]!, now, latestWall);
      }
      checkState(run, real, latestWall);
      if (real.released > run.released && !hadEarly) checkBudget(run);
      run.state = real.state;
      run.pauseCause = real.pauseCause;
      run.released = real.released;
      checkCounts(real, members);
      const hasEnded = real.endedAt !== undefined;
      same(
        { run: run.number, completions: completed.filter(({ number }) => number === run.number).length, hasEnded },
        { run: run.number, completions: hasEnded ? 1 : 0, hasEnded: real.counts.pending === 0 },
      );
      if (now >= Math.max(run.endsAt, run.noneExpiresBefore)) expect(hasEnded).toBe(true);
    }
    expect(scenario.problems).toEqual([]);
    this.#latestWall = clock.wallNow();
  }

  #syncMember(run: ModelRun, member: ModelMember, real: Member, now: EpochMs, latestWall: EpochMs): void {
    const told = { run: run.number, n: member.n, phase: member.phase };
    if (member.phase === 'settled') {
      const { outcome, late } = member;
      same({ ...told, outcome: real.outcome, late: real.late }, { ...told, outcome, late });
      return;
    }
    const { deviceDeadlineMs, backoffMs, offline, notAfter = Infinity } = run.policy;
    const { startedAt = Infinity } = real;
    const noneBefore = run.noneExpiresBefore;
    const deadline = Math.max(Math.min(startedAt + deviceDeadlineMs, run.endsAt), noneBefore);
    const isCancelling = run.state === 'cancelling';
    let must = now >= deadline;
    let may = must;
    if (member.phase === 'awaiting')
      may = must =
        now >= (member.keepsDeadline ? deadline : Math.max(Math.min(run.endsAt, run.awaitedUntil), noneBefore));
    if (member.phase === 'unsent') {
      must ||= isCancelling;
      may ||= isCancelling || latestWall >= notAfter || member.key === undefined;
      may ||= offline === 'skip' && now >= Math.max(startedAt + backoffMs, noneBefore);
    }
    if (real.outcome === 'pending') same({ ...told, must }, { ...told, must: false });
    else {
      const outcome = endOf(run, member, real.attempts);
      same({ ...told, may, outcome: real.outcome }, { ...told, may: true, outcome });
      if (member.parts === 202 && run.list !== 'harmless' && member.phase === 'sent') member.isExpecting = true;
      settle(member, outcome);
    }
  }
}

function newMember(n: number, key: number | undefined): ModelMember {
  return {
    n,
    key,
    phase: 'unsent',
    outcome: 'pending',
    late: false,
    wasSent: false,
    unauthorized: false,
    parts: undefined,
    isExpecting: false,
    keepsDeadline: false,
    sends: 0,
  };
}

/** Ends a member; one that has ended before ends late. */
export function settle(member: ModelMember, outcome: Outcome): void {
  Object.assign(member, { phase: 'settled', outcome, late: member.phase === 'settled' });
}

/** How a member ends by itself. [FANOUT 5] */
function endOf({ list, policy, state }: ModelRun, member: ModelMember, attempts: number): Outcome {
  if (member.phase === 'awaiting') return 'unknown';
  if (member.phase === 'sent' && member.parts !== undefined) {
    return member.parts === 202 && list !== 'harmless' && policy.awaitAsync ? 'unknown' : 'succeeded';
  }
  if (member.wasSent) return 'unknown';
  if (state === 'cancelling') return 'cancelled';
  if (member.unauthorized) return 'unauthorized';
  if (member.key === undefined || (member.key === REFUSED_KEY && attempts > 0)) return 'unreachable';
  return 'timed-out';
}

/** Whether a state that the model did not expect came about as the policy says. */
function checkState(run: ModelRun, real: Run, latestWall: EpochMs): void {
  const { policy, members, state } = run;
  const told = `run ${run.number} from ${state} to ${real.state}`;
  const isWaveOver = members.every(({ n, phase }) => n > run.released || phase === 'settled');
  if (real.released > run.released) expect(isWaveOver, told).toBe(true);
  if (state === 'scheduled' && real.state !== 'scheduled' && real.endedAt === undefined) {
    expect(latestWall, told).toBeGreaterThanOrEqual(policy.notBefore ?? 0);
  }
  if (real.state === state) return;
  switch (real.state) {
    case 'running':
      expect(state, told).toBe('scheduled');
      return;
    case 'paused':
      expect(real.pauseCause, told).toBe('failures');
      expect(hasTooManyFailures(real.counts, policy.maxFailures) && real.counts.pending > 0, told).toBe(true);
      return;
    case 'complete':
      expect(state, told).not.toBe('cancelling');
      return;
    case 'cancelled':
      expect(state, told).toBe('cancelling');
      return;
    case 'scheduled':
    case 'cancelling':
      expect.fail(told);
  }
}

/** A wave begins only when the policy bears what became of those before. */
function checkBudget({ members, released, policy }: ModelRun): void {
  const outcomes = members.filter(({ n }) => n <= released).map(({ outcome }) => outcome);
  const succeeded = outcomes.filter((outcome) => outcome === 'succeeded').length;
  const failures = outcomes.length - succeeded;
  if (failures > 0) expect((failures * 100) / outcomes.length).toBeLessThanOrEqual(policy.maxFailures);
}

function checkCounts({ counts }: Run, members: readonly Member[]): void {
  const counted = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  for (const { outcome } of members) counted[outcome] += 1;
  same({ ...counts }, { ...countsFrom(counted) });
}

/** As `expect(...).toEqual(...)` of flat objects with the same names, but quick where they are equal. */
function same<T extends object>(actual: T, expected: T): void {
  const isSame = Object.entries(expected).every(([name, value]) => actual[name as keyof T] === value);
  if (!isSame) expect(actual).toEqual(expected);
}

/** Compares what the store keeps of a run as a whole with what its members say. */
export async function checkAggregate({ store }: Scenario, { number, list, policy, members }: ModelRun): Promise<void> {
  const run = await store.run(number);
  const real = await store.members(number, 0, Infinity);
  let digest = EMPTY_DIGEST;
  const facets = new Map<string, number>();
  const answers = new Map<string, number>();
  for (const { n, deviceId, deResult = '' } of real) {
    digest = moveDigest(digest, { n, deviceId, deResult }, 'in');
    answers.set(deResult, (answers.get(deResult) ?? 0) + 1);
    for (const { key, value } of facetsOf(deResult)) {
      facets.set(`${key}=${value}`, (facets.get(`${key}=${value}`) ?? 0) + 1);
    }
    const statuses = decodeDeResult(deResult).filter(({ kind }) => kind === 'Status');
    expect(new Set(statuses.map(({ cmdRef }) => cmdRef)).size).toBe(LISTS[list].length);
  }
  expect(run?.digest).toBe(digest);
  const ofAnswers = await store.clusters(number, 'answer', 100);
  expect(new Map(ofAnswers.map(({ value, members: count }) => [value, count]))).toEqual(answers);
  const ofFacets = await store.clusters(number, 'status', 100);
  expect(new Map(ofFacets.map(({ key, value, members: count }) => [`${key}=${value}`, count]))).toEqual(facets);
  if (list !== 'harmless' && !policy.repeatUnsafe) {
    for (const { sends, unauthorized } of members) if (!unauthorized) expect(sends).toBeLessThanOrEqual(1);
  }
  const open = (await store.alertsOfRun(number)).filter(({ state }) => state === 'open');
  expect(open.map(({ data, generation }) => [data, generation])).toEqual([
    [run && alertData(run.counts, run.state), run?.generation],
  ]);
}
