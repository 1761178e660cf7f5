import { DmError } from '../protocol/errors.ts';
import { chooseShares, parsePercent } from './share.ts';

/** What a device does wrong, every time; `FAULT_BEHAVIOURS` has how. */
export const FAULT_KINDS = [
  /** Never reacts to a notification and never polls. */ 'silent',
  /** Reads the commands and closes the connection before answering; executes nothing. */ 'drop',
  /** Answers after seconds. */ 'slow',
  /** Accepts notifications, but its own secret is wrong. */ 'badauth',
  /** Executes, and answers with a body that cannot be decoded. */ 'badxml',
  /** Executes, and sends Status for commands nobody sent, none for those it got. */ 'wrongref',
  /** Answers every command with Status 500 and executes nothing. */ 'error',
  /** Executes, vanishes without answering, and comes back with a session of its own. */ 'reboot',
  /** Posts each message with answers twice. */ 'duplicate',
  /** Executes, and says Alert 1223 instead of answering. */ 'abort',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** A kind of fault and its share of the fleet. */
export interface FaultShare {
  readonly kind: FaultKind;
  /** Above 0, at most 100. */
  readonly percent: number;
}

/** Reads `kind=share,...`, each share in percent of the fleet; throws `DmError` USAGE_FAULTS. */
export function parseFaults(spec: string): readonly FaultShare[] {
  const shares: FaultShare[] = [];
  for (const part of spec.split(',')) {
    const [name = '', share = ''] = part.split('=', 2).map((text) => text.trim());
    const kind = FAULT_KINDS.find((known) => known === name);
    if (kind === undefined) throw usage(`unknown fault "${name}"`);
    if (shares.some((earlier) => earlier.kind === kind)) throw usage(`fault ${kind} is given twice`);
    const percent = parsePercent(share);
    if (percent === undefined) throw usage(`the share of ${kind} is "${share}", allowed is above 0 and up to 100`);
    shares.push({ kind, percent });
  }
  const total = shares.reduce((sum, { percent }) => sum + percent, 0);
  if (total > 100) throw usage(`the shares add up to ${total}, at most 100 is allowed`);
  return shares;
}

/**
 * Which devices (by index) have which fault: kinds are disjoint, each has its share of `count` rounded and at least
 * one device; where rounding up leaves too few devices, later kinds get what is left. Throws `DmError` USAGE_FAULTS
 * when nothing is left for a kind.
 */
export function assignFaults(
  seed: number,
  count: number,
  shares: readonly FaultShare[],
): ReadonlyMap<number, FaultKind> {
  const assigned = new Map<number, FaultKind>();
  const percents = shares.map(({ percent }) => percent);
  for (const [place, chosen] of chooseShares(seed, 'faults', count, percents).entries()) {
    const kind = shares[place]?.kind;
    if (kind === undefined || chosen.size === 0) throw usage(`a fleet of ${count} is too small for so many kinds`);
    for (const index of chosen) assigned.set(index, kind);
  }
  return assigned;
}

function usage(problem: string): DmError {
  return new DmError('USAGE_FAULTS', `--faults: ${problem}; faults are ${FAULT_KINDS.join(', ')}`);
}
