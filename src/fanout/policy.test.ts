import { describe, expect, it } from 'vitest';
import { POLICY_ROWS } from './policy-table.ts';
import { applyPolicy, DEFAULT_POLICY, type PolicyInput, policyText } from './policy.ts';

describe('policy', () => {
  it('reader: takes values as JSON and as text, and leaves the others as they are', () => {
    const policy = applyPolicy(DEFAULT_POLICY, { Attempts: '5', Backoff: 7, AwaitAsync: 'true', Offline: 'skip' });
    expect(policy).toEqual({ ...DEFAULT_POLICY, attempts: 5, backoffMs: 7_000, awaitAsync: true, offline: 'skip' });
  });

  it('reader: reads each value of a policy as it writes it', () => {
    const policy = applyPolicy(DEFAULT_POLICY, { NotBefore: '2030-01-31T22:00:00Z', NotAfter: '2030-02-01T04:00:00Z' });
    const texts = Object.fromEntries(POLICY_ROWS.map((row) => [row.node, policyText(row, policy)]));
    expect(applyPolicy(DEFAULT_POLICY, texts)).toEqual(policy);
  });

  it('reader: takes a time away with empty text', () => {
    const policy = applyPolicy(DEFAULT_POLICY, { NotAfter: '2030-01-31T22:00:00Z' });
    expect(applyPolicy(policy, { NotAfter: '' }).notAfter).toBeUndefined();
  });

  it.each<[PolicyInput, RegExp]>([
    [{ Attempts: 0 }, /Attempts is 0; allowed is 1 to 100/],
    [{ Attempts: 1.5 }, /Attempts is 1.5/],
    [{ Concurrency: Number.NaN }, /Concurrency is NaN/],
    [{ Offline: 'never' }, /allowed is wait or skip/],
    [{ LateAlert: 'yes' }, /allowed is true or false/],
    [{ NotBefore: '2030-02-31T00:00:00Z' }, /allowed is a time in UTC/],
    [{ NotBefore: '2030-01-31' }, /allowed is a time in UTC/],
    [{ NotBefore: '2030-01-02T00:00:00Z', NotAfter: '2030-01-01T00:00:00Z' }, /a time after NotBefore/],
  ])('reader: refuses %j, and says what is allowed', (input, message) => {
    expect(() => applyPolicy(DEFAULT_POLICY, input)).toThrow(message);
  });
});
