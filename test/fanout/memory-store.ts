import type { Decide } from '../../src/fanout/decide.ts';
import { EMPTY_DIGEST, moveDigest } from '../../src/fanout/digest.ts';
import type { Outcome, SettledOutcome } from '../../src/fanout/outcome.ts';
import { isSameOrder } from '../../src/fanout/same-order.ts';
import type {
  AsyncAnswer,
  Claim,
  ClaimLimits,
  Cluster,
  Ending,
  EpochMs,
  FanOutStore,
  LastContact,
  Member,
  NewRun,
  PauseCause,
  PendingAlert,
  Run,
  RunOutlook,
  RunState,
  Settlement,
  Started,
  StartTerms,
  Target,
} from '../../src/fanout/store.ts';
import { MemoryClusters } from './memory-clusters.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import {
  asyncLeft,
  type MemberDevice,
  memberOf,
  movedCounts,
  newRow,
  noneSettled,
  type TargetRow,
} from './memory-rows.ts';

interface RunRow {
  run: Run;
  readonly quorumAt: number | undefined;
  readonly rows: readonly TargetRow[];
}

const NOT_APPLIED: Settlement = { applied: false, completed: undefined, alerted: undefined };

/**
 * The store's contract in its plainest form, all in memory: what tests run the engine against, and what any other
 * implementation must behave like.
 */
export class MemoryFanOutStore implements FanOutStore {
  readonly #groups: ReadonlyMap<string, readonly MemberDevice[]>;
  readonly #runs = new Map<number, RunRow>();
  readonly #runOfKey = new Map<string, number>();
  readonly #outbox = new MemoryOutbox();
  readonly #clusters = new MemoryClusters();
  #lastNumber = 0;

  constructor(groups: Readonly<Record<string, readonly MemberDevice[]>>) {
    this.#groups = new Map(Object.entries(groups));
  }

  createRun({ idempotencyKey, ...order }: NewRun, terms: StartTerms): Promise<Started> {
    const ofKey = this.#runs.get(this.#runOfKey.get(idempotencyKey ?? '') ?? 0)?.run;
    if (ofKey && !isSameOrder(ofKey, order)) return Promise.resolve({ kind: 'key-conflict' });
    const existing = ofKey ?? (idempotencyKey === undefined ? this.#unansweredRun(order) : undefined);
    if (existing) return Promise.resolve({ kind: 'existing', run: existing });
    const devices = order.retryOf ? this.#devicesAgain(order.retryOf) : this.#groups.get(order.group);
    if (devices === 'run-active' || devices === 'no-run') return Promise.resolve({ kind: devices });
    if (!devices) return Promise.resolve({ kind: 'no-group' });
    if (devices.length === 0) return Promise.resolve({ kind: 'empty-group' });
    if (this.#active().length >= terms.maxActiveRuns) return Promise.resolve({ kind: 'too-many-active' });
    const number = ++this.#lastNumber;
    const released = Math.min(devices.length, terms.firstWave(devices.length));
    const rows = devices.map((device, index) => newRow(device, order, number, index + 1, released));
    const row: RunRow = {
      quorumAt: terms.quorum(devices.length),
      rows,
      run: {
        ...order,
        number,
        pauseCause: undefined,
        released,
        wave: released > 0 ? 1 : 0,
        counts: noneSettled(rows.length),
        digest: EMPTY_DIGEST,
        generation: 0,
        endedAt: undefined,
        firstSentAt: undefined,
        lastAnswerAt: undefined,
      },
    };
    this.#runs.set(number, row);
    if (idempotencyKey !== undefined) this.#runOfKey.set(idempotencyKey, number);
    return Promise.resolve({ kind: 'created', run: row.run });
  }

  run(number: number): Promise<Run | undefined> {
    return Promise.resolve(this.#runs.get(number)?.run);
  }

  runs(before: number | undefined, limit: number): Promise<readonly Run[]> {
    const older = this.#all().filter(({ number }) => before === undefined || number < before);
    return Promise.resolve(older.reverse().slice(0, limit));
  }

  activeRuns(): Promise<readonly Run[]> {
    return Promise.resolve(this.#active());
  }

  prunableRuns(endedBefore: EpochMs, keep: number, limit: number): Promise<readonly number[]> {
    const ended = this.#all()
      .map(({ number, endedAt }) => ({ number, endedAt: endedAt ?? Infinity }))
      .filter(({ endedAt }) => endedAt < Infinity)
      .sort((a, b) => a.endedAt - b.endedAt || a.number - b.number);
    const prunable = ended.filter(
      ({ number, endedAt }, index) =>
        (endedAt < endedBefore || ended.length - index > keep) && !this.#outbox.hasOpen(number),
    );
    return Promise.resolve(prunable.slice(0, limit).map(({ number }) => number));
  }

  changeState(
    run: number,
    from: readonly RunState[],
    to: Exclude<RunState, 'complete' | 'cancelled'>,
    pauseCause?: PauseCause,
    awaitingEndsAt = Infinity,
  ): Promise<Run | undefined> {
    const row = this.#runs.get(run);
    if (!row || !from.includes(row.run.state) || !isActive(row.run)) return Promise.resolve(undefined);
    row.run = { ...row.run, state: to, pauseCause: to === 'paused' ? pauseCause : undefined };
    for (const member of row.rows) {
      const { phase, endsAt } = member.target;
      if (phase === 'awaiting') member.target = { ...member.target, endsAt: Math.min(endsAt, awaitingEndsAt) };
    }
    return Promise.resolve(row.run);
  }

  beginWave(run: number, wave: number, released: number): Promise<boolean> {
    const row = this.#runs.get(run);
    if (!row || !isActive(row.run) || row.run.wave >= wave) return Promise.resolve(false);
    row.run = { ...row.run, wave, released };
    return Promise.resolve(true);
  }

  releaseHeld(run: number, now: EpochMs, limit: number): Promise<number> {
    const row = this.#runs.get(run);
    const held = this.#rows(run).filter(({ target }) => {
      return target.phase === 'held' && target.n <= (row?.run.released ?? 0);
    });
    const page = held.slice(0, limit);
    for (const member of page) member.target = { ...member.target, phase: 'waiting', dueAt: now };
    return Promise.resolve(page.length);
  }

  deleteRun(number: number): Promise<boolean> {
    const row = this.#runs.get(number);
    if (!row || isActive(row.run)) return Promise.resolve(false);
    this.#outbox.runDeleted(number);
    this.#clusters.runDeleted(number);
    return Promise.resolve(this.#runs.delete(number));
  }

  claimDue(run: number, now: EpochMs, limits: ClaimLimits, decide: Decide): Promise<Claim> {
    const turns: Target[] = [];
    const settled: SettledOutcome[] = [];
    let completed: Run | undefined;
    let alerted: string | undefined;
    for (const [index, row] of this.#due(run, now, limits.by).entries()) {
      const move = index < limits.limit ? decide(row.target) : undefined;
      if (!move || (move.kind === 'turn' && turns.length >= limits.maxTurns)) {
        return Promise.resolve({ turns, settled, more: true, completed, alerted });
      }
      switch (move.kind) {
        case 'settle': {
          const settlement = this.#settle(row, move, now, undefined);
          completed = settlement.completed;
          alerted ??= settlement.alerted;
          settled.push(move.outcome);
          break;
        }
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
    return Promise.resolve({ turns, settled, more: false, completed, alerted });
  }

  outlook(run: number): Promise<RunOutlook> {
    const open = this.#rows(run)
      .map(({ target }) => target)
      .filter(({ phase }) => phase !== 'settled');
    return Promise.resolve({
      dueAt: smallest(open.filter(({ phase }) => phase === 'waiting').map(({ dueAt }) => dueAt)),
      endsAt: smallest(open.map(({ endsAt }) => endsAt)),
      hasHeld: open.some(({ phase }) => phase === 'held'),
      isUnderWay: open.some(({ phase }) => phase !== 'held'),
    });
  }

  nextForDevice(deviceKey: number): Promise<Target | undefined> {
    const next = this.#unsentOf(deviceKey).find(({ target: { run, phase } }) => {
      return phase === 'waiting' && this.#runs.get(run)?.run.state === 'running';
    });
    return Promise.resolve(next?.target);
  }

  unsentOfDevice(deviceKey: number, limit: number): Promise<readonly Target[]> {
    const unsent = this.#unsentOf(deviceKey).map(({ target }) => target);
    return Promise.resolve(unsent.slice(0, limit));
  }

  markSent(target: Target, now: EpochMs, endsAt: EpochMs): Promise<boolean> {
    const row = this.#runs.get(target.run);
    if (row?.run.state !== 'running') return Promise.resolve(false);
    const applied = this.#change(target, 'waiting', ({ target: { firstTurnAt = now } }) => ({
      phase: 'sent',
      sentAt: now,
      firstTurnAt,
      endsAt,
    }));
    if (applied) row.run = { ...row.run, firstSentAt: row.run.firstSentAt ?? now };
    return Promise.resolve(applied);
  }

  markUnsent(target: Target, values: Pick<Target, 'lastContact' | 'sentAt' | 'dueAt' | 'endsAt'>): Promise<boolean> {
    return Promise.resolve(this.#change(target, 'sent', () => ({ ...values, phase: 'waiting' })));
  }

  markAwaiting(
    target: Target,
    { deResult, asyncExecs }: Pick<Ending, 'deResult' | 'asyncExecs'>,
    endsAt: EpochMs,
  ): Promise<boolean> {
    const applied = this.#change(target, 'sent', (row) => {
      row.asyncExecs = asyncExecs;
      return { phase: 'awaiting', partial: deResult, endsAt };
    });
    return Promise.resolve(applied);
  }

  noteRefusedNotification(target: Target): Promise<void> {
    this.#change(target, 'waiting', (row) => ({ refusedAttempts: row.target.refusedAttempts + 1 }));
    return Promise.resolve();
  }

  noteContact(deviceKey: number, lastContact: LastContact): Promise<void> {
    for (const row of this.#unsentOf(deviceKey)) row.target = { ...row.target, lastContact };
    return Promise.resolve();
  }

  recordPartial(target: Target, deResult: string): Promise<boolean> {
    return Promise.resolve(this.#change(target, 'sent', () => ({ partial: deResult })));
  }

  settle(target: Target, ending: Ending, now: EpochMs): Promise<Settlement> {
    const row = this.#row(target);
    return Promise.resolve(row ? this.#settle(row, ending, now, now) : NOT_APPLIED);
  }

  endUnsent(target: Target, ending: Ending, now: EpochMs): Promise<Settlement> {
    const row = this.#row(target);
    const isUnsent = row?.target.phase === 'held' || row?.target.phase === 'waiting';
    return Promise.resolve(isUnsent ? this.#settle(row, ending, now, undefined) : NOT_APPLIED);
  }

  together<Result>(ask: () => Result): Result {
    return ask();
  }

  sentTargets(after: { run: number; n: number } | undefined, limit: number): Promise<readonly Target[]> {
    const sent = this.#active()
      .flatMap(({ number }) => this.#rows(number))
      .map(({ target }) => target)
      .filter(({ phase, run, n }) => {
        return phase === 'sent' && (!after || run > after.run || (run === after.run && n > after.n));
      });
    return Promise.resolve(sent.slice(0, limit));
  }

  expectingAsync(deviceKey: number, limit: number): Promise<readonly Target[]> {
    const expecting = this.#all()
      .flatMap(({ number }) => this.#rows(number))
      .filter((row) => row.target.deviceKey === deviceKey && asyncLeft(row) > 0)
      .map(({ target }) => target);
    const [awaiting, others] = [true, false].map((isAwaiting) =>
      expecting.filter(({ phase }) => (phase === 'awaiting') === isAwaiting),
    );
    return Promise.resolve([...(awaiting ?? []), ...(others ?? [])].slice(0, limit));
  }

  recordAsync(target: Target, answer: AsyncAnswer): Promise<{ readonly left: number } | undefined> {
    const row = this.#row(target);
    if (!row || row.asyncAnswers.some(({ cmdId }) => cmdId === answer.cmdId)) return Promise.resolve(undefined);
    row.asyncAnswers = [...row.asyncAnswers, answer];
    return Promise.resolve({ left: asyncLeft(row) });
  }

  member(run: number, n: number): Promise<Member | undefined> {
    const row = this.#rows(run)[n - 1];
    return Promise.resolve(row && memberOf(row));
  }

  members(
    run: number,
    after: number,
    limit: number,
    { outcome, query = '' }: { readonly outcome?: Outcome | undefined; readonly query?: string | undefined } = {},
  ): Promise<readonly Member[]> {
    const part = query.toLowerCase();
    const members = this.#rows(run)
      .slice(after)
      .map(memberOf)
      .filter((member) => outcome === undefined || member.outcome === outcome)
      .filter(({ deviceId }) => deviceId.toLowerCase().includes(part));
    return Promise.resolve(members.slice(0, limit));
  }

  memberOfDevice(run: number, deviceId: string): Promise<Member | undefined> {
    const row = this.#rows(run).find(({ target }) => target.deviceId === deviceId);
    return Promise.resolve(row && memberOf(row));
  }

  clusters(run: number, kind: Cluster['kind'], limit: number): Promise<readonly Cluster[]> {
    return Promise.resolve(this.#clusters.of(run, kind, limit));
  }

  cluster(run: number, id: number): Promise<Cluster | undefined> {
    return Promise.resolve(this.#clusters.of(run, 'answer', Infinity).find((cluster) => cluster.id === id));
  }

  async clusterMembers(
    run: number,
    id: number,
    after: number,
    limit: number,
  ): Promise<readonly Pick<Member, 'n' | 'deviceId'>[]> {
    const cluster = await this.cluster(run, id);
    return this.#rows(run)
      .filter(({ target: { n }, deResult }) => deResult !== undefined && n > after && deResult === cluster?.value)
      .slice(0, limit)
      .map(({ target: { n, deviceId } }) => ({ n, deviceId }));
  }

  dueAlerts(serverId: string, now: EpochMs, limit: number): Promise<readonly PendingAlert[]> {
    const due = this.#outbox.openOf(serverId).filter(({ dueAt }) => dueAt <= now);
    return Promise.resolve(due.slice(0, limit));
  }

  alertsOfRun(run: number): ReturnType<FanOutStore['alertsOfRun']> {
    return Promise.resolve(this.#outbox.ofRun(run));
  }

  nextAlertDueAt(serverId: string): Promise<EpochMs | undefined> {
    return Promise.resolve(smallest(this.#outbox.openOf(serverId).map(({ dueAt }) => dueAt)));
  }

  alertAccepted(id: number, generation: number, now: EpochMs): Promise<void> {
    this.#outbox.accepted(id, generation, now);
    return Promise.resolve();
  }

  alertRejected(id: number): Promise<void> {
    this.#outbox.rejected(id);
    return Promise.resolve();
  }

  alertDeferred(id: number, dueAt: EpochMs): Promise<void> {
    this.#outbox.deferred(id, dueAt);
    return Promise.resolve();
  }

  #settle(row: TargetRow, ending: Ending, now: EpochMs, answeredAt: EpochMs | undefined): Settlement {
    const { outcome, deResult, facets, asyncExecs } = ending;
    const isLate = row.target.phase === 'settled';
    const ofRun = this.#runs.get(row.target.run);
    if (!ofRun || (isLate && (row.outcome !== 'unknown' || row.late))) return NOT_APPLIED;
    const { run: before, quorumAt = Infinity } = ofRun;
    const { n, deviceId } = row.target;
    this.#clusters.move(before.number, ending, 1);
    let digest = moveDigest(before.digest ?? EMPTY_DIGEST, { n, deviceId, deResult }, 'in');
    if (row.deResult !== undefined) {
      this.#clusters.move(before.number, { ...row, deResult: row.deResult }, -1);
      digest = moveDigest(digest, { n, deviceId, deResult: row.deResult }, 'out');
    }
    const counts = movedCounts(before.counts, row.outcome, outcome);
    Object.assign(row, { outcome, deResult, facets, asyncExecs, answeredAt, late: isLate });
    row.target = { ...row.target, phase: 'settled', partial: undefined };
    const isLast = isActive(before) && counts.pending === 0;
    const isQuorum =
      before.generation === 0 && before.state !== 'cancelling' && counts.targets - counts.pending >= quorumAt;
    const isFirst = before.generation === 0 && (isLast || isQuorum);
    const run: Run = {
      ...before,
      counts,
      digest,
      lastAnswerAt: answeredAt ?? before.lastAnswerAt,
      generation: before.generation > 0 || isFirst ? before.generation + 1 : 0,
    };
    ofRun.run = isLast
      ? { ...run, state: before.state === 'cancelling' ? 'cancelled' : 'complete', pauseCause: undefined, endedAt: now }
      : run;
    const isNews = isLast || isFirst || (isLate && before.generation > 0);
    const mayInsert = isLast || isFirst || before.policy.lateAlert;
    return {
      applied: true,
      completed: isLast ? ofRun.run : undefined,
      alerted: isNews ? this.#outbox.announce(ofRun.run, mayInsert, now) : undefined,
    };
  }

  #due(run: number, now: EpochMs, by: ClaimLimits['by']): readonly TargetRow[] {
    const inPhase = (...phases: readonly Target['phase'][]) =>
      this.#rows(run).filter(({ target }) => phases.includes(target.phase));
    const inOrderOf = (rows: TargetRow[], time: 'dueAt' | 'endsAt') =>
      rows.sort((a, b) => a.target[time] - b.target[time]);
    switch (by) {
      case 'dueAt':
        return inOrderOf(inPhase('waiting'), by).filter(({ target }) => target.dueAt <= now);
      case 'endsAt':
        return inOrderOf(inPhase('held', 'waiting', 'sent', 'awaiting'), by).filter(({ target }) => {
          return target.endsAt <= now;
        });
      case 'unsent':
        return [...inPhase('held'), ...inOrderOf(inPhase('waiting'), 'dueAt')];
    }
  }

  #change(target: Target, phase: Target['phase'], change: (row: TargetRow) => Partial<Target>): boolean {
    const row = this.#row(target);
    if (row?.target.phase !== phase) return false;
    row.target = { ...row.target, ...change(row) };
    return true;
  }

  /** Members of an earlier run, as their accounts are now. */
  #devicesAgain({ run, outcomes }: NonNullable<NewRun['retryOf']>): MemberDevice[] | 'no-run' | 'run-active' {
    const row = this.#runs.get(run);
    if (!row) return 'no-run';
    if (isActive(row.run)) return 'run-active';
    const known = new Map([...this.#groups.values()].flat().map((device) => [device.deviceId, device]));
    return row.rows
      .filter(({ outcome }) => outcome !== 'pending' && outcomes.includes(outcome))
      .map(({ target: { deviceId } }) => known.get(deviceId) ?? { deviceId, deviceKey: undefined, notifiable: false });
  }

  /** The run of the same order that its server has not heard the end of. */
  #unansweredRun(order: Omit<NewRun, 'idempotencyKey'>): Run | undefined {
    if (order.serverId === undefined || order.correlator === undefined) return undefined;
    return this.#all().findLast((run) => {
      return isSameOrder(run, order) && (isActive(run) || this.#outbox.hasOpen(run.number));
    });
  }

  #all(): Run[] {
    return [...this.#runs.values()].map(({ run }) => run);
  }

  #active(): readonly Run[] {
    return this.#all().filter(isActive);
  }

  #unsentOf(deviceKey: number): readonly TargetRow[] {
    return this.#active()
      .flatMap(({ number }) => this.#rows(number))
      .filter(({ target: { deviceKey: key, phase } }) => {
        return key === deviceKey && (phase === 'held' || phase === 'waiting');
      });
  }

  #rows(run: number): readonly TargetRow[] {
    return this.#runs.get(run)?.rows ?? [];
  }

  /** Undefined when its run was deleted. */
  #row({ run, n }: Target): TargetRow | undefined {
    return this.#rows(run)[n - 1];
  }
}

function smallest(times: readonly EpochMs[]): EpochMs | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

function isActive({ endedAt }: Run): boolean {
  return endedAt === undefined;
}
