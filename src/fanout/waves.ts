import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Counts } from './outcome.ts';

/** How many members a wave has: a number, or a share of all members of the run. */
export type WaveSize =
  { readonly kind: 'members'; readonly members: number } | { readonly kind: 'percent'; readonly percent: number };

/** Sizes in one policy. */
const MAX_WAVES = 100;
const MAX_MEMBERS = 10_000_000;

/** All members at once. */
export const ONE_WAVE: readonly WaveSize[] = [{ kind: 'percent', percent: 100 }];

/** Reads sizes such as `10,5%,100%`. Throws `StatusError` 400 that names what is allowed. [FANOUT 7] */
export function parseWaves(text: string): readonly WaveSize[] {
  const sizes = text.split(',').map((part) => parseSize(part.trim()));
  const known = sizes.filter((size) => size !== undefined);
  if (known.length === sizes.length && sizes.length <= MAX_WAVES) return known;
  throw new StatusError(
    STATUS.badRequest,
    'FANOUT_POLICY',
    `Waves is "${text}"; allowed are up to ${MAX_WAVES} sizes, each 1 to ${MAX_MEMBERS} or 1% to 100%, separated by commas`,
  );
}

/** The sizes as `parseWaves` reads them. */
export function formatWaves(waves: readonly WaveSize[]): string {
  return waves.map((size) => (size.kind === 'members' ? String(size.members) : `${size.percent}%`)).join(',');
}

/** How far members (by n, from 1) may have their turn once wave number `wave` (from 0) begins after `released` of them. */
export function releasedBy(waves: readonly WaveSize[], wave: number, released: number, targets: number): number {
  const size = waves[Math.min(wave, waves.length - 1)] ?? { kind: 'percent', percent: 100 };
  const members = size.kind === 'members' ? size.members : Math.ceil((targets * size.percent) / 100);
  return Math.min(targets, released + Math.max(1, members));
}

/** Whether more of the settled members did not succeed than the policy bears. [FANOUT 7] */
export function hasTooManyFailures(counts: Counts, maxFailuresPercent: number): boolean {
  const settled = counts.targets - counts.pending;
  return (settled - counts.succeeded) * 100 > maxFailuresPercent * settled;
}

function parseSize(text: string): WaveSize | undefined {
  const match = /^([1-9]\d{0,7})(%?)$/.exec(text);
  if (!match) return undefined;
  const size = Number(match[1]);
  if (match[2] === '%') return size <= 100 ? { kind: 'percent', percent: size } : undefined;
  return size <= MAX_MEMBERS ? { kind: 'members', members: size } : undefined;
}
