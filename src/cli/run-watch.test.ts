import { expect, it, vi } from 'vitest';
import { countsFrom, type Counts } from '../fanout/outcome.ts';
import { progressOn } from './run-watch.ts';
import type { RunView } from './run-view.ts';

const NONE = { failed: 0, 'timed-out': 0, unreachable: 0, unauthorized: 0, cancelled: 0, unknown: 0 };

function run(state: string, counts: Counts | null): RunView {
  return { id: 1, state, group: 'g', resultsUrl: null, counts, correlator: null, startedAt: '', endedAt: null };
}

const counted = (pending: number, succeeded: number): Counts => countsFrom({ ...NONE, pending, succeeded });

it('dmgw: moves a bar on a terminal', () => {
  const written: string[] = [];
  const progress = progressOn({ isTTY: true, write: (text) => written.push(text) });
  progress.show(run('running', counted(3, 1)));
  progress.show({ ...run('paused', counted(2, 2)), waitingFor: 'somebody to resume it' });
  progress.end();
  expect(written).toEqual([
    '\r\u001b[2K[######..................] running · 4 devices: 3 pending, 1 succeeded',
    '\r\u001b[2K[############............] paused · 4 devices: 2 pending, 2 succeeded · waiting for somebody to resume it',
    '\n',
  ]);
});

it('dmgw: says a line for each change elsewhere', () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const progress = progressOn({ write: () => undefined });
    for (const view of [run('queued', null), run('queued', null), run('complete', counted(0, 2))]) progress.show(view);
    progress.end();
    expect(said.mock.calls.map(([text]) => text)).toEqual(['queued\n', 'complete · 2 devices: 2 succeeded\n']);
  } finally {
    said.mockRestore();
  }
});
