import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { DemoDocument } from '../../src/app/demo/document.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The built command; `npm test` builds it first. */
export const DMGW = join(ROOT, 'dist/cli/main.js');
/** Messages of others; tests that need them are skipped by name where they are absent. */
export const CORPUS = join(ROOT, '../shared/corpus');
export const hasCorpus = existsSync(CORPUS);

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();
// A test that failed, or took too long, does not wait for its command.
afterAll(() => running.forEach((child) => child.kill()));

/** Runs `dmgw <args>` to its end. */
export function dmgw(args: readonly string[], input: string | Uint8Array = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [DMGW, ...args], { cwd: ROOT });
    running.add(child);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Runs `dmgw demo --json <args>` to its end. */
export async function demo(args: readonly string[]): Promise<{ code: number | null; document: DemoDocument }> {
  const { code, stdout, stderr } = await dmgw(['demo', '--json', ...args]);
  if (stdout === '') throw new Error(`demo answered nothing (exit code ${code ?? 'none'}): ${stderr}`);
  return { code, document: JSON.parse(stdout) as DemoDocument };
}
