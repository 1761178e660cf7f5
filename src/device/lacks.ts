import { DmError } from '../protocol/errors.ts';
import { chooseShares, parsePercent } from './share.ts';

/** A share of the fleet whose trees lack some nodes. */
export interface LackShare {
  /** Above 0, at most 100. */
  readonly percent: number;
  /** LocURIs, each with all below it. */
  readonly locUris: readonly string[];
}

/** Reads `--lacks SHARE` and `--lacks-nodes URI,...`; throws `DmError` USAGE_LACKS. */
export function parseLacks(share: string, nodes: string): LackShare {
  const percent = parsePercent(share);
  if (percent === undefined) {
    throw new DmError('USAGE_LACKS', `--lacks: the share is "${share}", allowed is above 0 and up to 100`);
  }
  const locUris = nodes.split(',').map((node) => node.trim());
  const wrong = locUris.find((locUri) => !/^\.\/[^/?]+(\/[^/?]+)*$/.test(locUri));
  if (wrong !== undefined) {
    throw new DmError('USAGE_LACKS', `--lacks-nodes: "${wrong}" is no node, allowed are LocURIs such as ./Vendor/Demo`);
  }
  return { percent, locUris };
}

/** Which devices (by index) lack the nodes: the share of `count` rounded, and at least one. */
export function assignLacks(seed: number, count: number, percent: number): ReadonlySet<number> {
  return chooseShares(seed, 'lacks', count, [percent])[0] ?? new Set();
}
