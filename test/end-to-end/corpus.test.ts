import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { statusesOf } from './de-result.ts';
import { CORPUS, demo, hasCorpus } from './dmgw.ts';

const file = (path: string): string => join(CORPUS, path);

describe.skipIf(!hasCorpus)('demo with command files that others wrote (needs ../shared/corpus)', () => {
  it('get_software_version.xml ends 200', async () => {
    const { code, document } = await demo(['--commands', file('fleet-poc/xml-messages/get_software_version.xml')]);
    expect(code).toBe(0);
    expect(document.alert?.data).toBe('200');
    expect(document.run?.counts).toMatchObject({ targets: 25, succeeded: 25 });
    for (const { deResult } of document.results) {
      expect(statusesOf(deResult)).toEqual([{ cmdRef: 'xxcmdidxx', cmd: 'Get', code: 200 }]);
    }
  });

  it('get_software_version.xml ends 250 when half of the devices lack the node', async () => {
    const args = ['--commands', file('fleet-poc/xml-messages/get_software_version.xml'), '--lacks', '50'];
    const { code, document } = await demo([...args, '--devices', '24']);
    expect(code).toBe(1);
    expect(document.alert).toMatchObject({ data: '250', mark: 'warning' });
    expect(document.run?.counts).toMatchObject({ targets: 24, succeeded: 12, failed: 12 });
    const codes = document.results.map(({ deResult }) => statusesOf(deResult)[0]?.code);
    expect(codes.filter((status) => status === 200)).toHaveLength(12);
    expect(codes.filter((status) => status === 404)).toHaveLength(12);
  });

  it('get_device_name.xml ends 550 with 404 from every device', async () => {
    const { code, document } = await demo(['--commands', file('fleet-poc/xml-messages/get_device_name.xml')]);
    expect(code).toBe(3);
    expect(document.alert).toMatchObject({ data: '550', mark: 'warning' });
    expect(document.run?.counts).toMatchObject({ targets: 25, failed: 25 });
    for (const { deResult } of document.results) expect(statusesOf(deResult)[0]?.code).toBe(404);
  });

  it('enterpriseext-csp.L67.xml, a whole SyncML, ends 550 with 404', async () => {
    const commands = file('windows-itpro-docs/xml-messages/enterpriseext-csp.L67.xml');
    const { code, document } = await demo(['--commands', commands]);
    expect(code).toBe(3);
    expect(document.alert?.data).toBe('550');
    expect(document.run?.counts).toMatchObject({ targets: 25, failed: 25 });
    for (const { deResult } of document.results) {
      const statuses = statusesOf(deResult);
      expect(statuses.length).toBeGreaterThan(0);
      for (const status of statuses) expect(status).toMatchObject({ cmdRef: '1', cmd: 'Replace', code: 404 });
    }
  });

  it('install_orbit.xml is refused with 400, and the duplicate CmdID is named', async () => {
    const { code, document } = await demo(['--commands', file('fleet-poc/xml-messages/install_orbit.xml')]);
    expect(code).toBe(3);
    expect(document.run).toBeNull();
    expect(document.error?.code).toBe('STATUS_400');
    expect(document.error?.message).toContain('xxcmdidxx');
  });
});
