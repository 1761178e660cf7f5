import { countsFrom, type Counts, OUTCOMES, type Outcome, summaryNodeName } from '../fanout/outcome.ts';
import type { RunState } from '../fanout/store.ts';
import { decodeData } from '../protocol/codec.ts';
import type { Element } from '../protocol/element.ts';
import { childOf } from '../protocol/element.ts';
import { DecodeError } from '../protocol/errors.ts';
import type { JobResult } from '../store/server-store.ts';
import { runStateOf } from './steer-steps.ts';

/** `Ext/Summary` of a run. [FANOUT 3] */
export interface Summary {
  readonly state: RunState;
  readonly generation: number;
  readonly counts: Counts;
  readonly digest: string | undefined;
}

/** One pair of the aggregate, as the DM Server got it. */
export type FetchedResult = JobResult;

/** A member below `<URL>/Results`: its place, and the name of its node. */
export interface MemberNode {
  readonly n: number;
  readonly name: string;
}

/** No member has ended in any way. */
export const NO_COUNTS = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Readonly<
  Record<Outcome, number>
>;

/** Status codes in a DeResult that are a success. [FANOUT 5] */
const SUCCESS: readonly string[] = ['200', '201', '202', '217'];

/** Members of a gateway that numbers them from 1. */
export function numberedMembers(count: number): readonly MemberNode[] {
  return Array.from({ length: count }, (_value, index) => ({ n: index + 1, name: String(index + 1) }));
}

/** Members by the names of their nodes: by number where all have one, else in the order in which they are named. */
export function membersNamed(names: readonly string[]): readonly MemberNode[] {
  if (!names.every((name) => /^[1-9]\d{0,14}$/.test(name))) {
    return names.map((name, index) => ({ n: index + 1, name }));
  }
  return names.map((name) => ({ n: Number(name), name })).toSorted((one, other) => one.n - other.n);
}

/** The summary of a run; undefined where a value is missing or the counts do not add up. */
export function readSummary(values: ReadonlyMap<string, string>): Summary | undefined {
  const leaf = (name: string): string | undefined => values.get(`Ext/Summary/${name}`);
  const number = (name: string): number => Number(leaf(name) ?? Number.NaN);
  const counts = countsFrom(
    Object.fromEntries(OUTCOMES.map((outcome) => [outcome, number(summaryNodeName(outcome))])) as Record<
      Outcome,
      number
    >,
  );
  const state = runStateOf(leaf('State'));
  if (state === undefined || counts.targets !== number('Targets')) return undefined;
  return { state, generation: number('Generation'), counts, digest: leaf('Digest') };
}

/** A member's pair; undefined where it has no DeviceID. A gateway that tells no outcome has it read off the DeResult. */
export function readResult(values: ReadonlyMap<string, string>, { n, name }: MemberNode): FetchedResult | undefined {
  const deviceId = values.get(`Results/${name}/DeviceID`);
  if (deviceId === undefined) return undefined;
  const deResult = values.get(`Results/${name}/DeResult`);
  const told = values.get(`Results/${name}/Ext/Outcome`);
  const outcome = told === undefined ? outcomeIn(deResult) : OUTCOMES.find((known) => known === told);
  return outcome && { n, deviceId, outcome, deResult };
}

/** The outcome that a DeResult shows: what no Status tells of is `unknown`. [FANOUT 5] */
function outcomeIn(deResult: string | undefined): Outcome {
  if (deResult === undefined || deResult === '') return 'pending';
  const codes = statusCodesIn(deResult);
  if (codes.length === 0) return 'unknown';
  return codes.every((code) => SUCCESS.includes(code)) ? 'succeeded' : 'failed';
}

function statusCodesIn(deResult: string): readonly string[] {
  try {
    return decodeData(deResult).flatMap(codesBelow);
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}

function codesBelow(element: Element): readonly string[] {
  if (element.name !== 'Status') return element.children.flatMap(codesBelow);
  const code = childOf(element, 'Data')?.text;
  return typeof code === 'string' ? [code.trim()] : [];
}
