import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './dmgw.ts';

/** Built by `npm run build:bench`, which `npm test` does first. */
const BENCH = join(ROOT, '.tmp/bench/bench/main.js');

/** Runs a benchmark; only what it says of right and wrong is looked at, never a time. */
function bench(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BENCH, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}

async function document(name: string, ...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await bench(name, '--runs', '1', '--json', ...args);
  if (code !== 0) throw new Error(`bench ${name} ended with ${code ?? 'a signal'}: ${stderr}`);
  return JSON.parse(stdout);
}

const number: unknown = expect.any(Number);
const defaults = { encoding: 'xml', auth: 'md5', store: 'sqlite', connections: 'shared', client: 'raw' };

describe('benchmarks', () => {
  it('codec: decodes and encodes the same messages in both encodings', async () => {
    const result = (await document('codec', '--devices', '20')) as { cases: { what: string; size: string }[] };
    expect(result).toMatchObject({ timesSaxes: { withNamespaces: number, without: number } });
    expect(result.cases.map(({ what, size }) => `${what} ${size}`)).toHaveLength(14);
  });

  it('session: each session of a device that has no work is one exchange', async () => {
    expect(await document('session', '--devices', '10', '--auth', 'mac')).toMatchObject({
      ...defaults,
      auth: 'mac',
      sessions: 10,
      sessionsPerSecond: number,
      ceiling: { sessionsPerSecond: number },
      ratio: number,
    });
  });

  it.each([
    ['wbxml', 'basic', 'per-session', 'raw'],
    ['xml', 'md5', 'shared', 'undici'],
  ])('fanout: every device succeeds, with %s, %s, %s connections and the %s client', async (...args) => {
    const [encoding, auth, connections, client] = args;
    const flags = ['--encoding', encoding, '--auth', auth, '--connections', connections, '--client', client];
    expect(await document('fanout', '--devices', '12', ...flags)).toEqual({
      devices: 12,
      elapsedMs: number,
      devicesPerSecond: number,
      ceiling: { roundTripsPerSecond: number, devicesPerSecond: number },
      ratio: number,
      cpuUsPerDevice: { gateway: number, devices: number, bare: number },
      cpuRatio: number,
      rssPeakBytes: { gateway: number, devices: number },
      eventLoopDelayP99Ms: number,
      worstLoopDelayP99Ms: number,
      eventLoopDelayMaxMs: number,
      alertDelayMs: number,
      groupCreation: { members: 12, elapsedMs: number },
      finalGetMs: number,
      encoding,
      auth,
      store: 'sqlite',
      connections,
      client,
      runs: [number],
    });
  });

  it('results: the DM Server and the API give every row', async () => {
    expect(await document('results', '--devices', '12', '--auth', 'none')).toMatchObject({
      devices: 12,
      dm: { resultsPerSecond: number, gatewayRssBytes: {}, serverRssBytes: {} },
      ndjson: { bytes: number, ratio: number },
    });
  });

  it('restart: the run is there as it was', async () => {
    expect(await document('restart', '--devices', '12')).toMatchObject({ devices: 12, servingMs: number });
  });

  it('stuck: the live devices succeed, the silent ones are waited for', async () => {
    expect(await document('stuck', '--devices', '20')).toMatchObject({ devices: 20, silent: 2, kept: number });
  });

  it('refuse what they do not know', async () => {
    const unknown = await bench('nothing');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('codec, session, fanout, results, restart, stuck');
    expect((await bench('codec', '--devices', '0')).stderr).toContain('from 1 to 200000');
  });
});
