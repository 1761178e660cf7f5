import { answerBytes } from '../fanout/answer-size.ts';
import type { Answer } from '../protocol/message/message.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Decision, Delivery, ServerSetup } from '../protocol/session/server-types.ts';
import type { NewPassedOnAlert } from '../store/passed-on-alerts.ts';
import type { Job, JobState } from '../store/server-store.ts';
import { createProoflessRule } from '../transport/proofless.ts';
import type { ServerApplication, SessionIdentity } from '../transport/server-sessions.ts';
import { completionOf, QUORUM_REACHED } from './alerts.ts';
import { withSmallerPage } from './fetch-steps.ts';
import { tooMuch } from './job-step.ts';
import { advanceJob, failedChange, jobCommands, progressOf, type Progress } from './jobs.ts';
import { takePassedOn } from './passed-on.ts';
import type { DmServerSetup, GatewayAccount } from './server.ts';

/** States in which a job has something to send. */
export const SENDABLE: readonly JobState[] = ['fetching', 'sending', 'queued'];

/** What a session with a gateway is doing at the moment. */
interface Work {
  readonly job: Job;
  readonly progress: Progress;
  /** What has come of the answers to the commands that were sent last. */
  readonly answers: readonly Answer[];
  /** What they take. */
  readonly bytes: number;
  /** They were too much: none is kept until the package is whole, and then less is asked for. */
  readonly tooMuch: boolean;
}

/** How much the answers of one exchange may take, as a multiple of the largest object: results are got in pages. */
const OBJECTS_PER_EXCHANGE = 16;

const NO_ANSWERS = { answers: [], bytes: 0, tooMuch: false } as const;

interface ApplicationSetup extends Pick<
  DmServerSetup,
  'store' | 'gateways' | 'maxMsgBytes' | 'maxObjBytes' | 'loopbackWithoutProof' | 'log'
> {
  readonly serverUri: () => string;
  readonly now: () => number;
  readonly sessionOpened: (gatewayId: string) => void;
  /** Called once for each session that was opened; `workLeft`: there is work for another one. */
  readonly sessionEnded: (gatewayId: string, workLeft: boolean) => void;
}

/**
 * The DM Server in its sessions with gateways: takes alerts in, carries jobs out, one exchange after the
 * other. What a session was doing is lost with it; the next one begins from what the store says.
 */
export function createServerApplication(setup: ApplicationSetup): ServerApplication<GatewayAccount> {
  const { store, log } = setup;
  const byId = new Map(setup.gateways.map((gateway) => [gateway.id, gateway]));
  const workOf = new Map<number, Work>();
  const openSessions = new Set<number>();
  const isLetIn = createProoflessRule({
    allowed: setup.loopbackWithoutProof ?? false,
    turnedAway: (gateway) =>
      log.warn(
        'gateway with scheme none was turned away: server.loopbackWithoutProof is off or it is not on this host',
        {
          gateway,
        },
      ),
  });

  const maxAnswerBytes = OBJECTS_PER_EXCHANGE * setup.maxObjBytes;

  async function takeAlerts(gateway: GatewayAccount, delivery: Delivery): Promise<number[]> {
    const statuses: number[] = [];
    const passedOn: NewPassedOnAlert[] = [];
    for (const alert of delivery.alerts) {
      const completion = completionOf(alert);
      if (!completion) {
        const intake = takePassedOn(alert);
        const type = alert.items[0]?.meta?.type;
        if ('kept' in intake) {
          passedOn.push({ gatewayId: gateway.id, at: setup.now(), ...intake.kept });
          log.info('alert that was passed on', { gateway: gateway.id, source: intake.kept.source, type });
        } else {
          log.info('alert that is not taken', { gateway: gateway.id, code: alert.code, type, status: intake.status });
        }
        statuses.push(intake.status);
        continue;
      }
      const { correlator, resultsUrl, data } = completion;
      const now = setup.now();
      const seen = await store.noteCompletion({ gatewayId: gateway.id, ...completion }, now);
      log.info('alert of a fan-out', { gateway: gateway.id, resultsUrl, data, seen });
      const job = correlator === undefined ? undefined : await store.jobByCorrelator(gateway.id, correlator);
      if (job && job.state !== 'failed') {
        const what = `alert ${data} from ${resultsUrl} (${seen})`;
        const events = [{ at: now, step: data === QUORUM_REACHED ? undefined : 7, what }];
        await store.change(job.id, { state: 'fetching', alerted: true, resultsUrl, events });
      }
      statuses.push(STATUS.ok);
    }
    if (passedOn.length > 0) await store.passedOnAlerts.add(passedOn);
    return statuses;
  }

  /** Stores what the answers mean; answers what to go on with. */
  async function advance(gateway: GatewayAccount, work: Work): Promise<Work | undefined> {
    const { job, progress, answers } = work;
    if (work.tooMuch) return askForLess(work);
    const completion = (await completionsOf(job)).at(-1);
    const move = advanceJob(job, progress, answers, setup.now(), completion?.data);
    if (progress.kind === 'fanout' && (await store.job(job.id))?.state !== 'sending') {
      // Its alert came meanwhile: an earlier session had started the run, and to go on would start a second one.
      await store.change(job.id, { events: move.change.events ?? [] });
      return undefined;
    }
    await store.change(job.id, move.change);
    if (move.other) await store.change(move.other.job, move.other.change);
    if (move.generation !== undefined && completion) {
      await store.noteGeneration(gateway.id, completion.resultsUrl, completion.data, move.generation);
    }
    return move.progress && { ...work, progress: move.progress, ...NO_ANSWERS };
  }

  async function completionsOf({ id, gatewayId }: Job) {
    const resultsUrl = (await store.job(id))?.resultsUrl;
    return resultsUrl === undefined ? [] : store.completions(gatewayId, resultsUrl);
  }

  /** Keeps the answers for when the package of the gateway is whole; undefined: it was too much, and the job is over. */
  async function collect(work: Work, fresh: readonly Answer[]): Promise<Work | undefined> {
    if (work.tooMuch) return work;
    const bytes = fresh.reduce((sum, answer) => sum + answerBytes(answer), work.bytes);
    if (bytes <= maxAnswerBytes) return { ...work, answers: [...work.answers, ...fresh], bytes };
    const less = { ...work, ...NO_ANSWERS, tooMuch: true };
    if (askForLess(less)) return less;
    await store.change(work.job.id, failedChange(tooMuch(maxAnswerBytes), setup.now()));
    return undefined;
  }

  /** Half a page of results in place of a whole one; undefined: there is nothing less to ask for. */
  function askForLess({ job, progress }: Work): Work | undefined {
    const state = progress.kind === 'fetch' ? withSmallerPage(progress.state) : undefined;
    return state && progress.kind === 'fetch' ? { job, progress: { ...progress, state }, ...NO_ANSWERS } : undefined;
  }

  /** The oldest job of the gateway that has something to send. */
  async function nextWork(gateway: GatewayAccount): Promise<Work | undefined> {
    const [job] = await store.openJobs(gateway.id, SENDABLE, 1);
    const progress = job && progressOf(job);
    if (!progress) return undefined;
    if (job.state === 'queued') await store.change(job.id, { state: 'sending' });
    return { job, progress, ...NO_ANSWERS };
  }

  async function decide(session: SessionIdentity<GatewayAccount>, delivery: Delivery): Promise<Decision> {
    const gateway = session.peer;
    // Before the answers: an alert tells that the run of a job is there, whatever the job is still about to send.
    const alertStatuses = await takeAlerts(gateway, delivery);
    let work = workOf.get(session.key);
    workOf.delete(session.key);
    if (work) work = await collect(work, delivery.answers);
    if (delivery.final) work = (work && (await advance(gateway, work))) ?? (await nextWork(gateway));
    if (work) workOf.set(session.key, work);
    if (!work || !delivery.final) return { alertStatuses, commands: [] };
    return { alertStatuses, commands: jobCommands(work.progress) };
  }

  return {
    identify(source, _userName, from) {
      const known = byId.get(source);
      const gateway = known && isLetIn(known.id, known.peer.scheme, from) ? known : undefined;
      const nonces = gateway && store.peerNonces.nonces(gateway.id);
      return (nonces ?? Promise.resolve(undefined)).then((found) => {
        const empty = new Uint8Array();
        const serverSetup: ServerSetup = {
          serverUri: setup.serverUri(),
          own: gateway
            ? { ...gateway.own, nonce: found?.own ?? empty }
            : { scheme: 'none', principal: { name: '', digest: '' }, nonce: empty },
          peer: gateway && { ...gateway.peer, nonce: found?.peer ?? empty },
          defaultScheme: 'md5',
          maxMsgBytes: setup.maxMsgBytes,
          maxObjBytes: setup.maxObjBytes,
        };
        return { setup: serverSetup, peer: gateway };
      });
    },

    async deliver(session: SessionIdentity<GatewayAccount>, delivery: Delivery): Promise<Decision> {
      const gateway = session.peer;
      if (delivery.first) {
        openSessions.add(session.key);
        setup.sessionOpened(gateway.id);
      }
      // What is written of one message shares its commits.
      const [decision] = await Promise.all([
        decide(session, delivery),
        store.peerNonces.save(gateway.id, delivery.nonces),
      ]);
      return decision;
    },

    async ended(session, outcome) {
      workOf.delete(session.key);
      if (outcome === 'unauthorized' || outcome === 'refused') {
        log.warn('session with gateway failed', { gateway: session.peer.id, outcome });
      }
      if (!openSessions.delete(session.key)) return;
      const left = await store.openJobs(session.peer.id, SENDABLE, 1);
      setup.sessionEnded(session.peer.id, left.length > 0);
    },
  };
}
