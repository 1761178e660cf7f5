import { Command } from 'commander';
import { expect, it } from 'vitest';
import { POLICY_ROWS } from '../fanout/policy-table.ts';
import { policyOf, withPolicyFlags } from './policy-flags.ts';

function policy(...flags: string[]) {
  const command = withPolicyFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return policyOf(command.parse(flags, { from: 'user' }).opts());
}

it('dmgw: takes a flag for every value of a policy, as the APIs take it', () => {
  expect(policy('--rate', '5', '--deadline', '60', '--waves', '10,25%', '--offline', 'skip', '--await-async')).toEqual({
    StartRate: 5,
    RunDeadline: 60,
    Waves: '10,25%',
    Offline: 'skip',
    AwaitAsync: true,
  });
  expect(policy('--not-before', '2030-01-01T00:00:00Z')).toEqual({ NotBefore: '2030-01-01T00:00:00Z' });
  expect(policy()).toEqual({});
  const flags = withPolicyFlags(new Command()).options.map(({ long }) => long);
  expect(flags).toEqual(POLICY_ROWS.map(({ flag }) => flag));
});

it.each([
  [['--attempts', '0'], '--attempts is 0; allowed is 1 to 100'],
  [['--attempts', '1.5'], '--attempts is 1.5; allowed is 1 to 100'],
  [['--quorum', 'half'], '--quorum is half; allowed is 0 to 100'],
  [['--offline', 'ask'], '--offline is ask; allowed is wait or skip'],
  [['--waves', '5,x'], '--waves is 5,x; allowed is sizes such as 10,25%,100%'],
  [['--not-after', 'noon'], '--not-after is noon; allowed is a time in UTC such as 2030-01-31T22:00:00Z'],
  [
    ['--not-before', '2030-01-02T00:00:00Z', '--not-after', '2030-01-01T00:00:00Z'],
    '--not-after must be a time after --not-before',
  ],
])('dmgw: refuses %o and says what is allowed', (flags, message) => {
  expect(() => policy(...flags)).toThrow(expect.objectContaining({ code: 'USAGE', message }) as Error);
});

it('dmgw: takes no value for what is true or false', () => {
  expect(() => policy('--late-alert=yes')).toThrow(/--late-alert/);
});
