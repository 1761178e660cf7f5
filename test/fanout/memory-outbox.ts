import { alertData } from '../../src/fanout/aggregate.ts';
import type { EpochMs, FanOutStore, PendingAlert, Run } from '../../src/fanout/store.ts';

type RunAlert = Awaited<ReturnType<FanOutStore['alertsOfRun']>>[number];

/** The outbox of alerts in its plainest form. */
export class MemoryOutbox {
  #alerts: RunAlert[] = [];
  #lastId = 0;

  /**
   * The open alert of the run takes up the run's aggregate; when there is none, `mayInsert` says whether there is to be
   * a new one. Answers the server that has something to be told.
   */
  announce(run: Run, mayInsert: boolean, now: EpochMs): string | undefined {
    const { serverId, correlator, generation } = run;
    if (serverId === undefined) return undefined;
    const data = alertData(run.counts, run.state);
    const open = this.#alerts.find((alert) => alert.run === run.number && alert.state === 'open');
    if (open) this.#change(open.id, { data, generation });
    else if (mayInsert) {
      const id = ++this.#lastId;
      const { number } = run;
      const alert = { id, run: number, serverId, correlator, data, generation, attempts: 0, dueAt: now };
      this.#alerts.push({ ...alert, state: 'open' });
    } else return undefined;
    return serverId;
  }

  hasOpen(run: number): boolean {
    return this.#alerts.some((alert) => alert.run === run && alert.state === 'open');
  }

  ofRun(run: number): readonly RunAlert[] {
    return this.#alerts.filter((alert) => alert.run === run);
  }

  /** Alerts outlive their run while they are open. */
  runDeleted(run: number): void {
    this.#alerts = this.#alerts.filter((alert) => alert.run !== run || alert.state === 'open');
  }

  openOf(serverId: string): readonly PendingAlert[] {
    return this.#alerts
      .filter((alert) => alert.serverId === serverId && alert.state === 'open')
      .map(({ state: _state, ...alert }) => alert);
  }

  accepted(id: number, generation: number, now: EpochMs): void {
    const alert = this.#open(id);
    if (alert) this.#change(id, alert.generation === generation ? { state: 'accepted' } : { dueAt: now });
  }

  rejected(id: number): void {
    if (this.#open(id)) this.#change(id, { state: 'rejected' });
  }

  deferred(id: number, dueAt: EpochMs): void {
    const alert = this.#open(id);
    if (alert) this.#change(id, { dueAt, attempts: alert.attempts + 1 });
  }

  #open(id: number): RunAlert | undefined {
    return this.#alerts.find((alert) => alert.id === id && alert.state === 'open');
  }

  #change(id: number, changes: Partial<RunAlert>): void {
    this.#alerts = this.#alerts.map((alert) => (alert.id === id ? { ...alert, ...changes } : alert));
  }
}
