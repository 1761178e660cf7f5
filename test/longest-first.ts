import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Parts of the names of test files that take long, the longest first. */
const LONGEST = ['/kill.', '/bad-input.', '/demo.', '/bench-smoke.', '/fault-matrix.', '/end-to-end/', '.property.'];

/** Files that take long come first, so that no worker stands idle while another ends the longest one. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((part) => moduleId.includes(part));
  return at < 0 ? LONGEST.length : at;
}
