import { z } from 'zod';
import { MAX_FILTER_CHARS } from '../fanout/group-filter.ts';
import { OUTCOMES, type Counts } from '../fanout/outcome.ts';
import { allowedText, type Policy, type PolicyInput, policyValue } from '../fanout/policy.ts';
import { POLICY_ROWS, type PolicyRow } from '../fanout/policy-table.ts';
import type { EpochMs, Member } from '../fanout/store.ts';
import { DmError } from '../protocol/errors.ts';
import { isXmlText } from '../protocol/xml/characters.ts';
import { wireText } from '../store/wire-text.ts';

/** Counts of a run; `targets` is the sum of the others. */
export const countsSchema = z.object({
  targets: z.int(),
  pending: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  'timed-out': z.int(),
  unreachable: z.int(),
  unauthorized: z.int(),
  cancelled: z.int(),
  unknown: z.int(),
}) satisfies z.ZodType<Counts>;

export const outcomeSchema = z.enum(OUTCOMES);

/** One member of a run: its outcome and answer. */
export const resultSchema = z.object({
  n: z.int(),
  deviceId: z.string(),
  outcome: outcomeSchema,
  deResult: z.string().nullable(),
});
export type ResultShape = z.infer<typeof resultSchema>;

/** Where a page ends: pass `next` as `after` to get the following one; null on the last page. */
export const pageQuery = z.strictObject({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** Key of the last row of the page before, where rows are known by numbers. Throws `DmError` API_BAD_REQUEST. */
export function pageCursor(after: string): number {
  if (/^\d{1,15}$/.test(after)) return Number(after);
  throw new DmError('API_BAD_REQUEST', 'after: must be the `next` of the page before');
}

/** Where a page goes on that shows rows with the highest ids first. Throws like `pageCursor`. */
export function beforeOf(after: string | undefined): number | undefined {
  return after === undefined ? undefined : pageCursor(after);
}

/** `next` of a page of rows with ids. */
export function nextOf(page: readonly { readonly id: number }[], limit: number): string | null {
  const last = page.length === limit ? page.at(-1) : undefined;
  return last ? String(last.id) : null;
}

/** The run that a path names. */
export const runParam = z.strictObject({ id: z.coerce.number().int().min(1) });

/** Whether a node of the tree can have this name, and a LocURI lead to it. [TND] */
function isNodeName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && name.trim() === name && !/[/?]/.test(name);
}

/** A group: the name of a node. */
export const groupName = wireText(200).refine(isNodeName, {
  error: 'must be the name of a node: no / or ?, no blanks around it, not . or ..',
});

/** The name of a group or of a node, or the LocURI of one. */
export const nodeRef = wireText(1024).refine(
  (text) =>
    text
      .replace(/^\.?\//, '')
      .split('/')
      .every(isNodeName),
  { error: 'must be the name of a node or its LocURI, ./A/B' },
);

/** Ties an Exec to its alert. */
export const correlator = wireText(256);

/** The command file: SyncML commands as text. */
export const commandText = z.string().min(1).refine(isXmlText, { error: 'holds characters that XML cannot hold' });

/** A start with a key that was seen before starts nothing. */
export const idempotencyHeader = z.looseObject({ 'idempotency-key': z.string().min(1).max(200).optional() });

/** A group to be made: its first members, DeviceIDs and other groups, and the filter that chooses more. [FANOUT 3] */
export const groupInput = z.strictObject({
  group: groupName,
  members: z.array(wireText(256)).max(200_000).default([]),
  groupRefs: z.array(groupName).max(10_000).default([]),
  filter: z.string().max(MAX_FILTER_CHARS).optional(),
});

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  instance: z.string(),
});

/** ISO 8601 in UTC, or null. */
export function isoTime(time: EpochMs | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}

export function resultShape(member: Pick<Member, 'n' | 'deviceId' | 'outcome' | 'deResult'>): ResultShape {
  return { n: member.n, deviceId: member.deviceId, outcome: member.outcome, deResult: member.deResult ?? null };
}

/**
 * Policy of one run by node name: numbers with durations in seconds, true or false, text for everything else; what is
 * allowed is checked where it is applied. [FANOUT 7]
 */
export const policyInput: z.ZodType<PolicyInput> = z.strictObject(
  Object.fromEntries(
    POLICY_ROWS.map((row) => [
      row.node,
      policyValueSchema(row)
        .optional()
        .describe(`${row.meaning}; ${allowedText(row)}`),
    ]),
  ),
);

/** The whole policy of a run, in the form of `policyInput`. */
export const policySchema = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));

export function policyShape(policy: Policy): z.infer<typeof policySchema> {
  return Object.fromEntries(
    POLICY_ROWS.flatMap((row) => {
      const value = policyValue(row, policy);
      return value === undefined ? [] : [[row.node, value] as const];
    }),
  );
}

function policyValueSchema({ kind }: PolicyRow): z.ZodNumber | z.ZodBoolean | z.ZodString {
  switch (kind) {
    case 'int':
      return z.number();
    case 'bool':
      return z.boolean();
    case 'choice':
    case 'waves':
    case 'time':
      return z.string();
  }
}
