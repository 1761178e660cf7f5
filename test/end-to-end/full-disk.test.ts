import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, type onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { runSchema } from '../../src/api/run-shape.ts';
import { expectAgreement } from './agreement.ts';
import { readEvidence } from './device-evidence.ts';
import { ended, gatewayRun, get, numberAtGateway, order, rowsOf, type ServerRun, write } from './runs.ts';
import { delay, makeSite, type Site, until } from './site.ts';

const MIB = 1_048_576;
const DEVICES = 40;
/** Too large for the answers of all devices to fit in a mebibyte. */
const LABEL = `run-${'x'.repeat(30_000)}`;
/** No two answers are equal: equal ones are kept once. */
const COMMANDS = write('1', LABEL) + get('2', './Vendor/Demo/Label') + get('3', './DevInfo/Mod');
const LIMIT_MS = 60_000;
const WATCH_MS = 2_000;

/** Undefined where this process may not mount a file system. */
const smallDisk = mountSmallDisk();

describe.concurrent('a full disk', () => {
  it('gateway: refuses while its quota is used up, and loses nothing that it acknowledged', async ({
    onTestFinished,
  }) => {
    const site = await startSite({ maxBytes: MIB }, onTestFinished);
    const second = await fillUp(site, async () => {
      await site.stop('gateway');
      const config = parse(await readFile(site.gatewayConfig, 'utf8')) as { store: object };
      await writeFile(site.gatewayConfig, stringify({ ...config, store: { ...config.store, maxBytes: 64 * MIB } }));
      await site.start('gateway');
    });
    expect(second).toMatchObject({ state: 'failed', error: { code: 'STATUS_510' } });
  });

  it.skipIf(smallDisk === undefined)(
    'gateway: goes on by itself when a disk that was full has space again',
    async ({ onTestFinished }) => {
      const site = await startSite({ url: `sqlite:${join(smallDisk!, 'gateway.db')}` }, onTestFinished);
      const filler = join(smallDisk!, 'filler');
      await writeFile(filler, new Uint8Array(6 * MIB));
      const second = await fillUp(site, () => rm(filler));
      // Where not even a nonce can be kept there is no session to refuse it in: then it waits for the space.
      if (second.state === 'failed') expect(second.error).toMatchObject({ code: 'STATUS_510' });
      else expect(second).toMatchObject({ state: 'complete', counts: { succeeded: DEVICES } });
    },
  );
});

async function startSite(store: Readonly<Record<string, unknown>>, atEnd: typeof onTestFinished): Promise<Site> {
  const fanout = { deviceDeadline: 60, backoff: 1, attempts: 100, concurrency: 8 };
  // A device whose answer was refused is soon asked again.
  const southbound = { idleTimeoutMs: 2_000 };
  const site = await makeSite({ devices: DEVICES, seed: 2, store, southbound, fanout });
  atEnd(() => site.close());
  await site.start('server');
  await site.start('gateway');
  await site.start('devices');
  await site.makeGroup('all');
  return site;
}

/**
 * Runs a fan-out into the full disk, looks at what everybody is told, has `makeSpace` happen and sees the run end.
 * Answers what became of another one that the DM Server ordered meanwhile.
 */
async function fillUp(site: Site, makeSpace: () => Promise<void>): Promise<ServerRun> {
  const id = await order(site, { group: 'all', commands: COMMANDS, correlator: 'run-1' });
  const number = await numberAtGateway(site, id);
  const isRefused = (line: string): boolean => line.includes('no space left');
  await until('the gateway has refused an answer', LIMIT_MS, () => site.linesOf('gateway').some(isRefused));
  await until('the gateway says that it is not ready', LIMIT_MS, async () => !(await isReady(site)));
  const { counts } = await gatewayRun(site, number);
  expect(counts.pending).toBeGreaterThan(0);

  const wanted = { group: 'all', commands: COMMANDS };
  await expect(site.gateway.post('/api/v1/runs', wanted, runSchema)).rejects.toMatchObject({
    code: 'STORE_WRITE',
    message: expect.stringMatching(/507.*no space left/) as string,
  });
  const second = await order(site, { ...wanted, correlator: 'run-2' });

  const complaints = (): string[] => site.linesOf('gateway').filter(isRefused);
  const before = complaints().length;
  await delay(WATCH_MS);
  expect(complaints().length - before, complaints().join('\n')).toBeLessThanOrEqual(1);
  // Nobody was told that an answer is stored which is not.
  const { acknowledged } = await readEvidence(site.deviceTrace);
  const stored = (await rowsOf(site.gateway, number)).filter(({ outcome }) => outcome === 'succeeded');
  const isStored = new Set(stored.map(({ deviceId }) => `${deviceId} ${LABEL}`));
  expect([...acknowledged].filter((answer) => !isStored.has(answer))).toEqual([]);

  await makeSpace();
  await until('the gateway says that it is ready', LIMIT_MS, () => isReady(site));
  const run = await ended(site, id, LIMIT_MS);
  expect(run).toMatchObject({ state: 'complete', counts: { targets: DEVICES, succeeded: DEVICES } });
  await expectAgreement(site, run);
  return ended(site, second, LIMIT_MS);
}

async function isReady(site: Site): Promise<boolean> {
  return (await fetch(`${site.gatewayUrl}/readyz`)).ok;
}

/** A file system of 8 MiB, which is gone after the tests. */
function mountSmallDisk(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'dmgw-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    rmSync(dir, { recursive: true });
    return undefined;
  }
  afterAll(() => {
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true });
  });
  return dir;
}
