import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Status commands of a DeResult, in their order. It is canonical, so that a pattern is enough to read it. */
export function statusesOf(deResult: string | null): { cmdRef: string; cmd: string; code: number }[] {
  const found = (deResult ?? '').matchAll(
    /<Status>.*?<CmdRef>(.*?)<\/CmdRef><Cmd>(.*?)<\/Cmd>.*?<Data>(\d+)<\/Data>.*?<\/Status>/gs,
  );
  return [...found].map(([, cmdRef = '', cmd = '', code]) => ({ cmdRef, cmd, code: Number(code) }));
}

/** First Item of each Results of a DeResult. */
export function resultsOf(deResult: string | null): { cmdRef: string; locUri: string; data: string }[] {
  const found = (deResult ?? '').matchAll(
    /<Results>.*?<CmdRef>(.*?)<\/CmdRef>.*?<LocURI>(.*?)<\/LocURI>.*?<Data>(.*?)<\/Data>.*?<\/Results>/gs,
  );
  return [...found].map(([, cmdRef = '', locUri = '', data = '']) => ({ cmdRef, locUri, data }));
}

/** Writes a command file to a folder of its own. */
export async function commandsFromText(text: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'dmgw-test-'));
  const path = join(dir, 'commands.xml');
  await writeFile(path, text);
  return { path, remove: () => rm(dir, { recursive: true, force: true }) };
}
