import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/architecture/**', 'test/long/**'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Loading what is tested anew for each file would take a fifth of the whole time; no file leaves anything behind.
    isolate: false,
    sequence: { sequencer: LongestFirst },
  },
});
