import type { AlertCommand, Answer, ExecCommand, RequestCommand } from '../protocol/message/message.ts';
import type { ActiveRuns } from './active-runs.ts';
import { acceptedExecs, isAsyncSuccess, tellsOf, toldOf } from './async-exec.ts';
import { commandsFromSyncBody } from './commands.ts';
import { decodeDeResult } from './de-result.ts';
import type { EngineOptions } from './engine.ts';
import type { AsyncAnswer, Ending, Settlement, Target } from './store.ts';
import { encodeSyncBody } from './sync-body.ts';
import { endAwaited, outcomeOfAnswer } from './target.ts';

/** Members of one device that are looked through for an alert. */
const PAGE = 100;

interface AsyncAlertsOptions extends Pick<EngineOptions, 'store' | 'clock'> {
  readonly runs: ActiveRuns;
  readonly onSettled: (settled: Settlement) => void;
}

/** A member with Execs whose end is to come. */
interface Expecting {
  readonly target: Target;
  readonly commands: readonly RequestCommand[];
  readonly answers: readonly Answer[];
  readonly execs: readonly ExecCommand[];
  readonly told: readonly AsyncAnswer[];
  /** Whether those Execs decide how the member ends. */
  readonly isOpen: boolean;
}

/** Takes in what devices tell of Execs that they took on with 202. [FANOUT 5] */
export class AsyncAlerts {
  readonly #options: AsyncAlertsOptions;

  constructor(options: AsyncAlertsOptions) {
    this.#options = options;
  }

  /** False when the alert tells the end of no Exec of this device. */
  async told(deviceKey: number, alert: AlertCommand): Promise<boolean> {
    const { store, clock } = this.#options;
    const expecting = await this.#expecting(deviceKey);
    const matches = expecting.flatMap((member) =>
      member.execs.flatMap((exec) => {
        const by = tellsOf(alert, exec);
        const isTold = member.told.some(({ cmdId }) => cmdId === exec.cmdId);
        return by ? [{ member, exec, by, isTold }] : [];
      }),
    );
    const fresh = matches.filter(({ isTold }) => !isTold);
    const match = fresh.find(({ by }) => by === 'correlator') ?? fresh[0];
    if (!match) return matches.length > 0;
    const { member, exec } = match;
    const answer: AsyncAnswer = {
      cmdId: exec.cmdId,
      data: toldOf(alert, exec),
      alert: encodeSyncBody([alert]),
      at: clock.now(),
    };
    const ending = endingOf(member, [...member.told, answer]);
    // No crash leaves a member waiting for an alert that came.
    const [recorded] = await store.together(() =>
      Promise.all([store.recordAsync(member.target, answer), ending && this.#settle(member.target, ending)]),
    );
    // Another alert of this member came at the same time.
    if (!ending && recorded?.left === 0) await this.#settleTold(member.target);
    return true;
  }

  async #expecting(deviceKey: number): Promise<readonly Expecting[]> {
    const targets = await this.#options.store.expectingAsync(deviceKey, PAGE);
    const members = await Promise.all(targets.map((target) => this.#read(target)));
    return members.filter((member) => member !== undefined);
  }

  async #read(target: Target): Promise<Expecting | undefined> {
    const { store, runs } = this.#options;
    const [member, run] = await Promise.all([store.member(target.run, target.n), store.run(target.run)]);
    if (!member || !run) return undefined;
    const commands = runs.get(target.run)?.commands ?? commandsFromSyncBody(run.commands);
    const answers = decodeDeResult(target.partial ?? member.deResult ?? '');
    return {
      target,
      commands,
      answers,
      execs: acceptedExecs(commands, answers),
      told: member.asyncAnswers,
      isOpen:
        run.policy.awaitAsync &&
        (target.phase === 'awaiting' || (member.outcome === 'unknown' && !member.late)) &&
        outcomeOfAnswer(commands, answers) === 'succeeded',
    };
  }

  async #settleTold(target: Target): Promise<void> {
    const member = await this.#read(target);
    const ending = member && endingOf(member, member.told);
    if (ending) await this.#settle(target, ending);
  }

  async #settle(target: Target, ending: Ending): Promise<void> {
    const { store, clock, onSettled } = this.#options;
    onSettled(await store.settle(target, ending, clock.now()));
  }
}

/** How the member ends now that these are told; undefined: another one is to come, or they decide nothing. [FANOUT 5] */
function endingOf({ commands, answers, execs, isOpen }: Expecting, told: readonly AsyncAnswer[]): Ending | undefined {
  const isTold = ({ cmdId }: ExecCommand): boolean => told.some((answer) => answer.cmdId === cmdId);
  if (!isOpen || !execs.every(isTold)) return undefined;
  return endAwaited(commands, answers, told.every(({ data }) => isAsyncSuccess(data)) ? 'succeeded' : 'failed');
}
