import { Command } from 'commander';
import { type ApiOptions, chosenApi, withApi } from './api-option.ts';
import { answer, answerJson } from './output.ts';
import { progressOn, type RunProgress, watchRun } from './run-watch.ts';
import { describeRun, exitCodeOfRun, runNumber } from './run-view.ts';

/** A document for each change: for machines. */
const AS_JSON_LINES: RunProgress = { show: (run) => answer(JSON.stringify(run)), end: () => undefined };

/** `dmgw fanout watch`: a run while it goes on. */
export function watchCommand(): Command {
  return withApi(new Command('watch'))
    .description(
      'follow a run to its end; the exit code tells how it went, 5 also after Ctrl-C, which ends the watching alone',
    )
    .argument('<run>', 'its number')
    .option('--json', 'answer JSON lines, one for each change')
    .addHelpText('after', '\nExample:\n  dmgw fanout watch 2 --server http://127.0.0.1:8081')
    .action(async (run: string, options: ApiOptions & { json?: boolean }) => {
      const progress = options.json ? AS_JSON_LINES : progressOn(process.stderr);
      const ended = await watchRun(chosenApi(options), runNumber(run), progress);
      if (!options.json && !ended.error) answer(describeRun(ended));
      process.exitCode = exitCodeOfRun(ended);
    });
}

/** Waits for the end of a run that was just started, and tells of it; the exit code says how it went. */
export async function waitAndAnswer(options: ApiOptions & { readonly json?: boolean }, id: number): Promise<void> {
  const ended = await watchRun(chosenApi(options), id, progressOn(process.stderr));
  // A run that was refused is an answer for programs; people get its error.
  if (options.json) answerJson(ended);
  else if (!ended.error) answer(describeRun(ended));
  process.exitCode = exitCodeOfRun(ended);
}
