import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeMessage, type Encoding } from '../../src/protocol/codec.ts';
import { DecodeError } from '../../src/protocol/errors.ts';
import type { Message } from '../../src/protocol/message/message.ts';

/** Status of a SyncHdr whose message was authenticated and taken in. */
const TAKEN_IN: readonly number[] = [200, 212];
/** Status of a SyncHdr whose message was not authenticated: nothing of it was executed. */
const REFUSED: readonly number[] = [401, 407];

/** What the devices themselves saw of the runs, which are told apart by the label that each writes. */
export interface DeviceEvidence {
  /** `<device> <label>`: the device answered every command of the run and got the gateway’s next message for it. */
  readonly acknowledged: ReadonlySet<string>;
  /**
   * By `<device> <label>`, how often the device was handed the commands and did not refuse the message for its
   * credentials, as it does when a crash let the nonces drift apart. Repeats of a message are one.
   */
  readonly handed: ReadonlyMap<string, number>;
}

/** Reads the trace of a fleet whose runs all write a label that begins with `run-` and Get it afterwards. */
export async function readEvidence(traceDir: string): Promise<DeviceEvidence> {
  const answers = new Map<string, string>();
  const replied = new Set<string>();
  const handedBy = new Map<string, Set<string>>();
  const refused = new Set<string>();
  for (const name of (await readdir(traceDir)).sort()) {
    const [, direction, encoding] = /-device-(in|out)-.*\.(xml|wbxml)$/.exec(name) ?? [];
    if (direction === undefined) continue;
    const message = messageOf(await readFile(join(traceDir, name)), encoding as Encoding);
    if (!message) continue;
    const { hdr, body } = message;
    if (direction === 'out') {
      const label = body.flatMap((command) => (command.kind === 'Results' ? labelsOf(command.items) : []))[0];
      if (label !== undefined) answers.set(`${hdr.source.locUri} ${hdr.sessionId} ${hdr.msgId}`, label);
      for (const command of body) {
        if (command.kind !== 'Status' || command.cmdRef !== '0' || !REFUSED.includes(command.code)) continue;
        refused.add(`${hdr.source.locUri} ${hdr.sessionId} ${command.msgRef}`);
      }
      continue;
    }
    const device = hdr.target.locUri;
    for (const command of body) {
      if (command.kind === 'Status' && command.cmdRef === '0' && TAKEN_IN.includes(command.code)) {
        replied.add(`${device} ${hdr.sessionId} ${command.msgRef}`);
      }
      if (command.kind !== 'Replace') continue;
      const [label] = labelsOf(command.items);
      if (label === undefined) continue;
      const key = `${device} ${label}`;
      handedBy.set(key, (handedBy.get(key) ?? new Set()).add(`${device} ${hdr.sessionId} ${hdr.msgId}`));
    }
  }
  const acknowledged = [...answers].filter(([message]) => replied.has(message));
  return {
    acknowledged: new Set(acknowledged.map(([message, label]) => `${message.split(' ')[0] ?? ''} ${label}`)),
    handed: new Map(
      [...handedBy].map(([key, messages]) => [key, [...messages].filter((message) => !refused.has(message)).length]),
    ),
  };
}

/** Undefined for a file that was not written to its end when its process was killed. */
function messageOf(bytes: Uint8Array, encoding: Encoding): Message | undefined {
  try {
    return decodeMessage(bytes, encoding).message;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function labelsOf(items: readonly { readonly data?: unknown }[]): string[] {
  return items.flatMap(({ data }) => {
    const text = typeof data === 'string' ? data : data instanceof Uint8Array ? Buffer.from(data).toString() : '';
    return text.startsWith('run-') ? [text] : [];
  });
}
