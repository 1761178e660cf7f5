import { type Command, Option } from 'commander';
import { UsageError } from '../app/failure.ts';
import { allowedText, applyPolicy, DEFAULT_POLICY, type PolicyInput, type PolicyValue } from '../fanout/policy.ts';
import { POLICY_ROWS, type PolicyRow } from '../fanout/policy-table.ts';
import { DmError } from '../protocol/errors.ts';

/** Adds a flag for each value of the policy of a run. [FANOUT 7] */
export function withPolicyFlags(command: Command): Command {
  for (const row of POLICY_ROWS) {
    const allowed = row.kind === 'bool' ? '' : ` (${allowedText(row)})`;
    command.addOption(new Option(`${row.flag}${valueName(row)}`, `${row.meaning}${allowed}`));
  }
  return command;
}

/** The values that were given, as the APIs take them. Throws `UsageError` that names the flag and what it takes. */
export function policyOf(options: Readonly<Record<string, unknown>>): PolicyInput {
  const policy: Record<string, PolicyValue> = {};
  for (const row of POLICY_ROWS) {
    const given = options[optionKey(row.flag)];
    if (typeof given !== 'string' && typeof given !== 'boolean') continue;
    const value = row.kind === 'int' ? Number(given) : given;
    checked({ [row.node]: value }, `${row.flag} is ${given}; allowed is ${allowedText(row)}`);
    policy[row.node] = value;
  }
  checked(policy, '--not-after must be a time after --not-before');
  return policy;
}

function checked(policy: PolicyInput, message: string): void {
  try {
    applyPolicy(DEFAULT_POLICY, policy);
  } catch (error) {
    throw error instanceof DmError ? new UsageError(message) : error;
  }
}

function valueName({ kind }: PolicyRow): string {
  switch (kind) {
    case 'int':
      return ' <n>';
    case 'choice':
      return ' <choice>';
    case 'waves':
      return ' <sizes>';
    case 'time':
      return ' <time>';
    case 'bool':
      return '';
  }
}

function optionKey(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
