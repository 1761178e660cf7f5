import { compareMembers } from '../fanout/comparison.ts';
import type { Member } from '../fanout/store.ts';
import { pagesOf } from '../store/pages.ts';
import { resultShape, type ResultShape } from './shapes.ts';

/** Members that are read in one go: for each the other run is asked. */
const PAGE = 200;

type Compared = Pick<Member, 'n' | 'deviceId' | 'outcome' | 'deResult'>;

/** Where the members of the two runs are read. */
interface ComparedReads {
  /** Members with `n > after`, in order. */
  members(run: number, after: number, limit: number): Promise<readonly Compared[]>;
  memberOfDevice(run: number, deviceId: string): Promise<Compared | undefined>;
}

/** A device that did otherwise in the two runs. */
interface ComparisonRow {
  readonly deviceId: string;
  readonly difference: 'outcome' | 'answer' | 'only-here' | 'only-there';
  readonly here: ResultShape | null;
  readonly there: ResultShape | null;
}

/** The last row of a comparison: how many devices did how. */
interface ComparisonSummary {
  readonly summary: Record<'same' | ComparisonRow['difference'], number>;
}

/** Devices of the one run against the other, then those that only the other has. */
export async function* compareRuns(
  reads: ComparedReads,
  here: number,
  there: number,
): AsyncGenerator<ComparisonRow | ComparisonSummary> {
  const summary = { same: 0, outcome: 0, answer: 0, 'only-here': 0, 'only-there': 0 };
  const membersOf = (run: number) =>
    pagesOf(PAGE, (last: Compared | undefined) => reads.members(run, last?.n ?? 0, PAGE));
  const shapeOf = (member: Compared | undefined) => (member ? resultShape(member) : null);

  for await (const member of membersOf(here)) {
    const other = await reads.memberOfDevice(there, member.deviceId);
    const difference = compareMembers(member, other);
    summary[difference] += 1;
    if (difference === 'same') continue;
    yield { deviceId: member.deviceId, difference, here: resultShape(member), there: shapeOf(other) };
  }
  for await (const member of membersOf(there)) {
    if (await reads.memberOfDevice(here, member.deviceId)) continue;
    summary['only-there'] += 1;
    yield { deviceId: member.deviceId, difference: 'only-there', here: null, there: resultShape(member) };
  }
  yield { summary };
}
