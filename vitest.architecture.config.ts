import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/architecture/**/*.test.ts'], reporters: ['default', './test/reporter.ts'] },
});
