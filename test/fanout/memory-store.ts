import { alertData } from '../../src/fanout/aggregate.ts';
import { countsFrom, type Outcome, OUTCOMES, type SettledOutcome } from '../../src/fanout/outcome.ts';
import { isSameOrder } from '../../src/fanout/same-order.ts';
import type {
  Claim,
  ClaimLimits,
  EpochMs,
  FanOutStore,
  LastContact,
  Member,
  NewRun,
  PendingAlert,
  Run,
  Settlement,
  Started,
  Target,
  TargetMove,
} from '../../src/fanout/store.ts';

/** A device of a group. */
export interface MemberDevice {
  readonly deviceId: string;
  readonly deviceKey: number | undefined;
  readonly notifiable: boolean;
}

interface TargetRow {
  target: Target;
  outcome: Outcome;
  deResult: string | undefined;
  answeredAt: EpochMs | undefined;
  late: boolean;
}

interface AlertRow {
  alert: PendingAlert;
  open: boolean;
}

/**
 * The store's contract in its plainest form, all in memory: what tests run the engine against, and what any other
 * implementation must behave like.
 */
export class MemoryFanOutStore implements FanOutStore {
  readonly #groups: ReadonlyMap<string, readonly MemberDevice[]>;
  readonly #runs = new Map<number, Run>();
  readonly #targets = new Map<number, TargetRow[]>();
  readonly #runOfKey = new Map<string, number>();
  readonly #alerts: AlertRow[] = [];
  #lastNumber = 0;

  constructor(groups: Readonly<Record<string, readonly MemberDevice[]>>) {
    this.#groups = new Map(Object.entries(groups));
  }

  createRun({ idempotencyKey, ...run }: NewRun, maxActiveRuns: number): Promise<Started> {
    const ofKey = idempotencyKey === undefined ? undefined : this.#runs.get(this.#runOfKey.get(idempotencyKey) ?? 0);
    if (ofKey && !isSameOrder(ofKey, run)) return Promise.resolve({ kind: 'key-conflict' });
    const existing = ofKey ?? (idempotencyKey === undefined ? this.#unansweredRun(run) : undefined);
    if (existing) return Promise.resolve({ kind: 'existing', run: existing });
    const devices = this.#groups.get(run.group);
    if (!devices) return Promise.resolve({ kind: 'no-group' });
    if (devices.length === 0) return Promise.resolve({ kind: 'empty-group' });
    if (this.#activeRuns().length >= maxActiveRuns) return Promise.resolve({ kind: 'too-many-active' });
    const number = ++this.#lastNumber;
    const endsAt = run.startedAt + run.policy.runDeadlineMs;
    this.#targets.set(
      number,
      devices.map((device, index) => ({
        target: {
          ...device,
          run: number,
          n: index + 1,
          phase: 'waiting',
          attempts: 0,
          refusedAttempts: 0,
          lastContact: 'none',
          dueAt: run.startedAt,
          endsAt,
          firstTurnAt: undefined,
          sentAt: undefined,
          partial: undefined,
        },
        outcome: 'pending',
        deResult: undefined,
        answeredAt: undefined,
        late: false,
      })),
    );
    if (idempotencyKey !== undefined) this.#runOfKey.set(idempotencyKey, number);
    this.#runs.set(number, {
      ...run,
      number,
      state: 'running',
      counts: this.#count(number),
      generation: 0,
      endedAt: undefined,
      firstSentAt: undefined,
      lastAnswerAt: undefined,
    });
    return Promise.resolve({ kind: 'created', run: this.#run(number) });
  }

  run(number: number): Promise<Run | undefined> {
    return Promise.resolve(this.#runs.get(number));
  }

  runs(before: number | undefined, limit: number): Promise<readonly Run[]> {
    const older = [...this.#runs.values()].filter(({ number }) => before === undefined || number < before);
    return Promise.resolve(older.reverse().slice(0, limit));
  }

  activeRuns(): Promise<readonly Run[]> {
    return Promise.resolve(this.#activeRuns());
  }

  deleteRun(number: number): Promise<boolean> {
    const run = this.#runs.get(number);
    if (!run || run.state === 'running') return Promise.resolve(false);
    this.#targets.delete(number);
    return Promise.resolve(this.#runs.delete(number));
  }

  claimDue(
    run: number,
    now: EpochMs,
    { by, limit, maxTurns }: ClaimLimits,
    decide: (target: Target) => TargetMove,
  ): Promise<Claim> {
    const due = this.#rows(run)
      .filter(({ target }) => target.phase === 'waiting' || (by === 'endsAt' && target.phase === 'sent'))
      .filter(({ target }) => target[by] <= now)
      .sort((a, b) => a.target[by] - b.target[by]);
    const turns: Target[] = [];
    let settled = 0;
    let completed: Run | undefined;
    for (const [index, row] of due.entries()) {
      const move = index < limit ? decide(row.target) : undefined;
      if (!move || (move.kind === 'turn' && turns.length >= maxTurns)) {
        return Promise.resolve({ turns, settled, more: true, completed });
      }
      switch (move.kind) {
        case 'settle':
          completed = this.#settle(row, move.outcome, move.deResult, now, false).completed;
          settled += 1;
          break;
        case 'wait':
          row.target = { ...row.target, dueAt: move.dueAt, endsAt: move.endsAt };
          break;
        case 'turn': {
          const { attempts, firstTurnAt = now } = row.target;
          row.target = { ...row.target, attempts: attempts + 1, firstTurnAt, dueAt: move.dueAt, endsAt: move.endsAt };
          turns.push(row.target);
        }
      }
    }
    return Promise.resolve({ turns, settled, more: false, completed });
  }

  nextDueAt(run: number): ReturnType<FanOutStore['nextDueAt']> {
    const open = this.#rows(run).filter(({ target }) => target.phase !== 'settled');
    return Promise.resolve({
      dueAt: smallest(open.filter(({ target }) => target.phase === 'waiting').map(({ target }) => target.dueAt)),
      endsAt: smallest(open.map(({ target }) => target.endsAt)),
    });
  }

  nextForDevice(deviceKey: number): Promise<Target | undefined> {
    const row = this.#waitingOf(deviceKey).next();
    return Promise.resolve(row.done ? undefined : row.value.target);
  }

  markSent(target: Target, now: EpochMs, endsAt: EpochMs): Promise<boolean> {
    const applied = this.#change(target, 'waiting', ({ firstTurnAt = now }) => ({
      phase: 'sent',
      sentAt: now,
      firstTurnAt,
      endsAt,
    }));
    const run = this.#runs.get(target.run);
    if (applied && run && run.firstSentAt === undefined) this.#runs.set(run.number, { ...run, firstSentAt: now });
    return Promise.resolve(applied);
  }

  markUnsent(target: Target, values: Pick<Target, 'lastContact' | 'sentAt' | 'dueAt' | 'endsAt'>): Promise<boolean> {
    return Promise.resolve(this.#change(target, 'sent', () => ({ ...values, phase: 'waiting' })));
  }

  noteRefusedNotification(target: Target): Promise<void> {
    this.#change(target, 'waiting', ({ refusedAttempts }) => ({ refusedAttempts: refusedAttempts + 1 }));
    return Promise.resolve();
  }

  noteContact(deviceKey: number, lastContact: LastContact): Promise<void> {
    for (const row of this.#waitingOf(deviceKey)) row.target = { ...row.target, lastContact };
    return Promise.resolve();
  }

  recordPartial(target: Target, deResult: string): Promise<boolean> {
    return Promise.resolve(this.#change(target, 'sent', () => ({ partial: deResult })));
  }

  settle(target: Target, outcome: SettledOutcome, deResult: string, now: EpochMs): Promise<Settlement> {
    const row = this.#row(target);
    const missing: Settlement = { applied: false, completed: undefined };
    return Promise.resolve(row ? this.#settle(row, outcome, deResult, now, true) : missing);
  }

  sentTargets(after: { run: number; n: number } | undefined, limit: number): Promise<readonly Target[]> {
    const sent = this.#activeRuns()
      .flatMap(({ number }) => this.#rows(number))
      .map(({ target }) => target)
      .filter(({ phase, run, n }) => {
        return phase === 'sent' && (!after || run > after.run || (run === after.run && n > after.n));
      });
    return Promise.resolve(sent.slice(0, limit));
  }

  member(run: number, n: number): Promise<Member | undefined> {
    const row = this.#targets.get(run)?.[n - 1];
    return Promise.resolve(row && memberOf(row));
  }

  members(run: number, after: number, limit: number, outcome?: Outcome): Promise<readonly Member[]> {
    const members = (this.#targets.get(run) ?? []).slice(after).map(memberOf);
    return Promise.resolve(members.filter((member) => !outcome || member.outcome === outcome).slice(0, limit));
  }

  dueAlerts(serverId: string, now: EpochMs, limit: number): Promise<readonly PendingAlert[]> {
    const due = this.#openAlerts(serverId).filter(({ dueAt }) => dueAt <= now);
    return Promise.resolve(due.slice(0, limit));
  }

  nextAlertDueAt(serverId: string): Promise<EpochMs | undefined> {
    return Promise.resolve(smallest(this.#openAlerts(serverId).map(({ dueAt }) => dueAt)));
  }

  alertAccepted(id: number): Promise<void> {
    return this.#closeAlert(id);
  }

  alertRejected(id: number): Promise<void> {
    return this.#closeAlert(id);
  }

  alertDeferred(id: number, dueAt: EpochMs): Promise<void> {
    for (const row of this.#alerts) {
      if (row.alert.id === id) row.alert = { ...row.alert, dueAt, attempts: row.alert.attempts + 1 };
    }
    return Promise.resolve();
  }

  #settle(row: TargetRow, outcome: SettledOutcome, deResult: string, now: EpochMs, isAnswer: boolean): Settlement {
    const isLate = row.target.phase === 'settled';
    if (isLate && (row.outcome !== 'unknown' || row.late)) return { applied: false, completed: undefined };
    const { run } = row.target;
    Object.assign(row, {
      outcome,
      deResult,
      answeredAt: isAnswer ? now : undefined,
      late: isLate,
      target: { ...row.target, phase: 'settled' },
    });
    const before = this.#run(run);
    const counts = this.#count(run);
    const isLast = before.state === 'running' && counts.pending === 0;
    const changed: Run = {
      ...before,
      counts,
      lastAnswerAt: isAnswer ? now : before.lastAnswerAt,
      ...(isLast ? { state: 'complete', endedAt: now, generation: 1 } : {}),
      ...(before.generation > 0 ? { generation: before.generation + 1 } : {}),
    };
    this.#runs.set(run, changed);
    if (!isLast) return { applied: true, completed: undefined };
    const { serverId, correlator, generation, state } = changed;
    if (serverId !== undefined) {
      const id = this.#alerts.length + 1;
      const data = alertData(counts, state);
      this.#alerts.push({
        alert: { id, run, serverId, correlator, data, generation, attempts: 0, dueAt: now },
        open: true,
      });
    }
    return { applied: true, completed: changed };
  }

  #change(target: Target, phase: Target['phase'], change: (target: Target) => Partial<Target>): boolean {
    const row = this.#row(target);
    if (row?.target.phase !== phase) return false;
    row.target = { ...row.target, ...change(row.target) };
    return true;
  }

  /** The run of the same order that its server has not heard the end of. */
  #unansweredRun(order: Omit<NewRun, 'idempotencyKey'>): Run | undefined {
    if (order.serverId === undefined || order.correlator === undefined) return undefined;
    return [...this.#runs.values()].findLast(
      (run) =>
        isSameOrder(run, order) &&
        (run.state === 'running' || this.#alerts.some(({ alert, open }) => open && alert.run === run.number)),
    );
  }

  #activeRuns(): readonly Run[] {
    return [...this.#runs.values()].filter(({ state }) => state === 'running');
  }

  *#waitingOf(deviceKey: number): Generator<TargetRow, void> {
    for (const { number } of this.#activeRuns()) {
      for (const row of this.#rows(number)) {
        if (row.target.deviceKey === deviceKey && row.target.phase === 'waiting') yield row;
      }
    }
  }

  #openAlerts(serverId: string): readonly PendingAlert[] {
    return this.#alerts.filter(({ alert, open }) => open && alert.serverId === serverId).map(({ alert }) => alert);
  }

  #closeAlert(id: number): Promise<void> {
    for (const row of this.#alerts) if (row.alert.id === id) row.open = false;
    return Promise.resolve();
  }

  #count(run: number): Run['counts'] {
    const parts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
    for (const { outcome } of this.#rows(run)) parts[outcome] += 1;
    return countsFrom(parts);
  }

  #run(number: number): Run {
    const run = this.#runs.get(number);
    if (!run) throw new RangeError(`there is no run ${number}`);
    return run;
  }

  #rows(run: number): readonly TargetRow[] {
    return this.#targets.get(run) ?? [];
  }

  /** Undefined when its run was deleted. */
  #row({ run, n }: Target): TargetRow | undefined {
    return this.#targets.get(run)?.[n - 1];
  }
}

function memberOf({ target, outcome, deResult, answeredAt, late }: TargetRow): Member {
  const { n, deviceId, attempts, firstTurnAt } = target;
  return { n, deviceId, outcome, deResult, attempts, startedAt: firstTurnAt, answeredAt, late };
}

function smallest(times: readonly EpochMs[]): EpochMs | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}
