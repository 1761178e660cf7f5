import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DMGW } from './dmgw.ts';

it.each(['SIGINT', 'SIGTERM'] as const)('demo: %s ends it with 5, and nothing of it is left', async (signal) => {
  const dir = await mkdtemp(join(tmpdir(), 'dmgw-interrupted-'));
  const child = spawn(process.execPath, [DMGW, 'demo', '--devices', '30', '--faults', 'silent=50'], {
    env: { ...process.env, TMPDIR: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  try {
    let said = '';
    while (!said.includes('step 3')) {
      const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
      said += chunk.toString();
    }
    expect(await readdir(dir)).toHaveLength(1);
    const ended = once(child, 'close');
    child.kill(signal);
    expect(await ended).toEqual([5, null]);
    expect(Buffer.concat(stderr).toString().trim().split('\n').at(-1)).toBe('the demo was cancelled (CANCELLED)');
    expect(await readdir(dir)).toEqual([]);
  } finally {
    child.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});
