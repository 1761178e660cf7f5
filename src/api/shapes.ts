import { z } from 'zod';
import { OUTCOMES, type Counts } from '../fanout/outcome.ts';
import { POLICY_ROWS, type PolicyInput } from '../fanout/policy.ts';
import type { EpochMs, Member } from '../fanout/store.ts';
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

/** A group to be made, and its first members. */
export const groupInput = z.strictObject({
  group: groupName,
  members: z.array(wireText(256)).max(200_000).default([]),
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

export function resultShape(member: Member): ResultShape {
  return { n: member.n, deviceId: member.deviceId, outcome: member.outcome, deResult: member.deResult ?? null };
}

/** Policy of one run by node name, durations in seconds; ranges are checked where they are applied. [FANOUT 7] */
export const policyInput: z.ZodType<PolicyInput> = z.strictObject(
  Object.fromEntries(
    POLICY_ROWS.map((row) => [row.node, z.number().optional().describe(`${row.meaning}; ${row.min} to ${row.max}`)]),
  ),
);

const eventSchema = z.object({ at: z.string(), step: z.int().nullable(), what: z.string() });
const errorSchema = z.object({ code: z.string(), message: z.string() }).nullable();

/** Work that a DM Server does on a gateway, through sessions that the gateway opens. */
export const jobSchema = z.object({
  id: z.int(),
  gatewayId: z.string(),
  state: z.string(),
  events: z.array(eventSchema),
  error: errorSchema,
});

/** A fan-out as the DM Server that ordered it sees it. */
export const serverRunSchema = jobSchema.extend({
  group: z.string(),
  correlator: z.string().nullable(),
  resultsUrl: z.string().nullable(),
  counts: countsSchema.nullable(),
  alert: z
    .object({
      type: z.string(),
      source: z.string(),
      data: z.string(),
      mark: z.string().nullable(),
      correlator: z.string().nullable(),
      /** How often it came: delivery is at least once. */
      received: z.int(),
    })
    .nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});
