import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyCommand, anyMessage } from '../../../test/protocol/any-message.ts';
import type { Command } from '../message/message.ts';
import { commandToElement, messageToElement } from '../message/to-elements.ts';
import { commandWbxml, messageWbxml } from './message-writer.ts';
import { writeWbxml } from './writer.ts';

/** Version, public identifier, character set and an empty string table. */
const HEADER_BYTES = 5;

function treeHex(command: Command): string {
  return hex(writeWbxml([commandToElement(command)], 3).subarray(HEADER_BYTES));
}

/** Text is compared far sooner than octets are. */
function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

describe('a message in WBXML', () => {
  it('writer: writes what it would write of the element tree', () => {
    fc.assert(
      fc.property(anyMessage, fc.constantFrom(1, 2, 3), (any, version) => {
        expect(hex(messageWbxml(any, version))).toBe(hex(writeWbxml([messageToElement(any)], version)));
      }),
    );
  });

  it('writer: writes a command as it stands in a message', () => {
    fc.assert(
      fc.property(anyCommand, (any) => {
        expect(hex(commandWbxml(any).octets)).toBe(treeHex(any));
      }),
    );
  });

  it('writer: says which code page is in force behind a command', () => {
    const meta = { format: 'int' };
    expect(commandWbxml({ kind: 'Get', cmdId: '1', items: [] }).codePage).toBe(0);
    expect(commandWbxml({ kind: 'Get', cmdId: '1', meta, items: [] }).codePage).toBe(1);
    expect(commandWbxml({ kind: 'Get', cmdId: '1', meta, items: [{}] }).codePage).toBe(0);
  });

  it('writer: what was written before stands as it was when more is written', () => {
    const data = (bytes: number): Command => ({
      kind: 'Replace',
      cmdId: '1',
      items: [{ data: new Uint8Array(bytes).fill(bytes) }],
    });
    const written = [10, 5_000, 70_000, 20].map((bytes) => ({ bytes, octets: commandWbxml(data(bytes)).octets }));
    for (const { bytes, octets } of written) expect(hex(octets)).toBe(treeHex(data(bytes)));
  });
});
