import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from './config.ts';

const MINIMAL = 'role: gateway\ngateway:\n  id: gw-1\n';

function findings(text: string, environment = {}): readonly string[] {
  try {
    parseConfig(text, 'gw.yaml', environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.findings;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('fills in defaults and says where each value came from', () => {
    const { config, values } = parseConfig(MINIMAL, 'gw.yaml', { DMGW_FANOUT_CONCURRENCY: '12' });
    expect(config).toMatchObject({
      role: 'gateway',
      gateway: { id: 'gw-1' },
      fanout: { concurrency: 12, attempts: 3 },
    });
    expect(values).toContainEqual({ key: 'gateway.id', value: 'gw-1', origin: 'file' });
    expect(values).toContainEqual({ key: 'fanout.attempts', value: '3', origin: 'default' });
    expect(values).toContainEqual({
      key: 'fanout.concurrency',
      value: '12',
      origin: 'environment DMGW_FANOUT_CONCURRENCY',
    });
  });

  it('refuses an unknown key and names it', () => {
    expect(findings(`${MINIMAL}  color: blue\n`)).toEqual(['unknown key gateway.color']);
    expect(findings(`${MINIMAL}colour: blue\n`)).toEqual(['unknown key colour']);
  });

  it('refuses a value out of range and names the range', () => {
    const [finding] = findings(`${MINIMAL}fanout: { concurrency: 0 }\n`);
    expect(finding).toContain('fanout.concurrency');
    expect(finding).toContain('1');
    expect(findings(MINIMAL, { DMGW_FANOUT_ATTEMPTS: '101' })[0]).toContain('fanout.attempts');
  });

  it('takes a default for every policy but the times of a run, and refuses what a run would refuse', () => {
    expect(findings(`${MINIMAL}fanout: { waves: "1,50%", offline: skip, awaitAsync: true, quorum: 100 }\n`)).toEqual(
      [],
    );
    expect(findings(`${MINIMAL}fanout: { waves: 10 }\n`)).toEqual([]);
    for (const policy of ['waves: 0%', 'offline: never', 'awaitAsync: 1', 'quorum: 101']) {
      const [finding = ''] = findings(`${MINIMAL}fanout: { ${policy} }\n`);
      expect(finding).toContain(`fanout.${policy.split(':')[0] ?? ''}`);
      expect(finding).toContain('allowed');
    }
    expect(findings(`${MINIMAL}fanout: { notBefore: "2030-01-01T00:00Z" }\n`)).toEqual([
      'unknown key fanout.notBefore',
    ]);
  });

  it('keeps runs, alerts, audit and trace for a time, and no key of them is free', () => {
    expect(findings(`${MINIMAL}retention: { runs: { maxAgeS: 60, maxCount: 0 }, trace: { maxBytes: 0 } }\n`)).toEqual(
      [],
    );
    expect(findings(`${MINIMAL}retention: { runs: { maxAgeS: 0 } }\n`)[0]).toContain('retention.runs.maxAgeS');
    expect(findings(`${MINIMAL}retention: { logs: {} }\n`)).toEqual(['unknown key retention.logs']);
  });

  it('refuses a secret that stands in the file itself', () => {
    const server =
      'servers:\n  - { id: s, url: "http://127.0.0.1/", userName: u, secret: plain, serverSecret: { env: X } }\n';
    expect(findings(MINIMAL + server)[0]).toContain('servers.0.secret');
  });

  it('refuses a user name with a colon, and identifiers that no message can hold', () => {
    const server = (id: string, user: string): string =>
      `servers:\n  - { id: ${id}, url: "http://127.0.0.1/", userName: ${user}, secret: { env: X }, serverSecret: { env: X } }\n`;
    expect(findings(MINIMAL + server('s', 'u'))).toEqual([]);
    expect(findings(MINIMAL + server('s', '"a:b"'))).toEqual(['servers.0.userName: must not hold a colon']);
    expect(findings(MINIMAL + server('"s\\x01"', 'u'))[0]).toContain('servers.0.id: must not hold control characters');
  });

  it('refuses what is not YAML, is empty, or has no role', () => {
    expect(findings('role: [')).toHaveLength(1);
    expect(findings('')[0]).toContain('empty');
    expect(findings('gateway: { id: x }')[0]).toContain('role');
  });
});
