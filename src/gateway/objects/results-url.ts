import { formatLocUri } from '../../tree/loc-uri.ts';
import type { Path } from '../../tree/management-object.ts';

/** Where the results of all runs are. [FANOUT 3] */
export const RESULTS_ROOT: Path = ['SCR'];

/** URL of a run's results, as its alert names it. [FANOUT 6] */
export function resultsUrl(run: number): string {
  return formatLocUri([...RESULTS_ROOT, 'Results', `Results${run}`]);
}

/** The run whose results have this root; undefined: it is no such root. */
export function runOfResults(path: Path): number | undefined {
  const [root, results, name, ...more] = path;
  if (root !== RESULTS_ROOT[0] || results !== 'Results' || name === undefined || more.length > 0) return undefined;
  return numberOfResults(name);
}

/** The run whose results have this name below `./SCR/Results`. */
export function numberOfResults(name: string): number | undefined {
  const number = /^Results([1-9]\d{0,14})$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}
