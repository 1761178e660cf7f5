import { setTimeout } from 'node:timers/promises';
import { DmError } from '../protocol/errors.ts';
import type { Api } from './listener.ts';
import { notFound } from './problem.ts';
import { runParam } from './shapes.ts';
import { eventStream, type ServerSentEvent } from './stream.ts';

const MAX_OPEN_STREAMS = 64;
/** How often a run is looked at. */
const LOOK_MS = 250;
/** Looks after which a client hears something although nothing has changed. */
const LOOKS_PER_SIGN_OF_LIFE = 60;

/** A run at one moment. */
interface RunLook {
  /** Differs when the run is worth telling of again. */
  readonly stamp: string;
  readonly hasEnded: boolean;
  /** As the API shows it. */
  readonly shape: () => Promise<object>;
}

/** Looks at a run; undefined: there is none. */
type LookAtRun = (id: number) => Promise<RunLook | undefined>;

/** The progress of a run while somebody watches, at a gateway and at a DM Server alike. */
export function addRunEventsRoute(api: Api, look: LookAtRun): void {
  let openStreams = 0;

  api.after(() => {
    api.get(
      '/api/v1/runs/:id/events',
      {
        schema: {
          summary: 'Server-sent events: the run whenever its state or its counts change; ends with the run',
          params: runParam,
        },
      },
      async ({ params }, reply) => {
        if (!(await look(params.id))) throw notFound(`run ${params.id}`);
        if (openStreams >= MAX_OPEN_STREAMS) {
          throw new DmError('API_TOO_MANY_STREAMS', `${MAX_OPEN_STREAMS} event streams are open, and no more may be`);
        }
        openStreams += 1;
        const stream = eventStream(changesOf(look, params.id, () => reply.raw.destroyed));
        stream.once('close', () => {
          openStreams -= 1;
        });
        return reply.header('Cache-Control', 'no-store').type('text/event-stream').send(stream);
      },
    );
  });
}

/** A stream whose reader `isGone` ends with the next look, and not with the next change. */
async function* changesOf(look: LookAtRun, id: number, isGone: () => boolean): AsyncGenerator<ServerSentEvent> {
  let last: string | undefined;
  for (let looks = 0; !isGone(); looks += 1) {
    const run = await look(id);
    if (!run) return;
    if (run.stamp !== last) yield { event: 'run', data: await run.shape() };
    else if (looks % LOOKS_PER_SIGN_OF_LIFE === 0) yield { event: 'alive', data: {} };
    last = run.stamp;
    if (run.hasEnded) return;
    await setTimeout(LOOK_MS, undefined, { ref: false });
  }
}
