import type { Reporter, TestModule } from 'vitest/node';

/** Ends the output with one line that people and programs can read: `N passed, N failed[, N skipped]`. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let brokenFiles = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state]++;
      if (module.state() === 'failed' && module.errors().length > 0) brokenFiles++;
    }
    const failed = counts.failed + counts.pending + brokenFiles;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    // The default reporter writes its own summary in the same tick; this line has to come after it.
    process.on('exit', () => process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped}\n`));
  }
}
