import type { ApiClient } from '../app/api-client.ts';
import { CancelledError } from '../app/failure.ts';
import { say } from './output.ts';
import { countsText, hasEnded, runSchema, type RunView } from './run-view.ts';

/** A stream that ended before the run did is opened again after so long. */
const AGAIN_MS = 500;
const BAR_CHARS = 24;

/** Shows how a run comes along. */
export interface RunProgress {
  show(run: RunView): void;
  /** Nothing more comes. */
  end(): void;
}

/**
 * Follows a run to its end. Rejects with `CancelledError` at SIGINT: the watching ends, not the run; with
 * `UnreachableError` when the API goes away.
 */
export async function watchRun(api: ApiClient, id: number, progress: RunProgress): Promise<RunView> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop);
  try {
    for (;;) {
      for await (const run of api.events(`/api/v1/runs/${id}/events`, 'run', runSchema, stopped.signal)) {
        progress.show(run);
        if (hasEnded(run)) return run;
      }
      if (stopped.signal.aborted) throw new CancelledError(`no longer watching: run ${id} goes on`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  } finally {
    process.off('SIGINT', stop);
    progress.end();
  }
}

/** A bar that moves on a terminal, a line for each change elsewhere; on stderr. */
export function progressOn(terminal: { readonly isTTY?: boolean; write(text: string): unknown }): RunProgress {
  if (!terminal.isTTY) {
    let last = '';
    return {
      show(run) {
        const line = progressText(run);
        if (line !== last) say(line);
        last = line;
      },
      end: () => undefined,
    };
  }
  let isOpen = false;
  return {
    show(run) {
      isOpen = true;
      terminal.write(`\r\u001b[2K${bar(run)}${progressText(run)}`);
    },
    end() {
      if (isOpen) terminal.write('\n');
      isOpen = false;
    },
  };
}

function progressText(run: RunView): string {
  const parts = [run.state, countsText(run), run.waitingFor ? `waiting for ${run.waitingFor}` : ''];
  return parts.filter((part) => part !== '').join(' · ');
}

function bar({ counts }: RunView): string {
  if (!counts) return '';
  const full = Math.floor((BAR_CHARS * (counts.targets - counts.pending)) / Math.max(1, counts.targets));
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CHARS - full)}] `;
}
