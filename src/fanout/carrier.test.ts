import { describe, expect, it } from 'vitest';
import { encodedBytes } from '../protocol/codec.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import { CommandSizes } from './carrier.ts';
import type { Carrier } from './engine.ts';
import { GET } from '../../test/fanout/scenario.ts';

const LARGE: RequestCommand = {
  kind: 'Add',
  cmdId: '5',
  items: [{ target: { locUri: './X' }, data: 'é'.repeat(1_000) }],
};
const ATOMIC: RequestCommand = { kind: 'Atomic', cmdId: '6', commands: [LARGE] };
const XML: Carrier = { form: { encoding: 'xml' }, maxMsgBytes: undefined, maxObjBytes: undefined };

describe('carrier', () => {
  it('carrier: without limits takes everything', () => {
    expect(new CommandSizes([GET, ATOMIC]).firstTooLarge(XML)).toBeUndefined();
  });

  it('carrier: takes a command that fits in a message with what stands around it, and no larger one', () => {
    const sizes = new CommandSizes([GET, ATOMIC]);
    for (const form of [XML.form, { encoding: 'wbxml', version: 2 }] as const) {
      const maxMsgBytes = 1_024 + encodedBytes(ATOMIC, form);
      expect(sizes.firstTooLarge({ ...XML, form, maxMsgBytes })).toBeUndefined();
      expect(sizes.firstTooLarge({ ...XML, form, maxMsgBytes: maxMsgBytes - 1 })).toEqual({
        command: ATOMIC,
        limit: 'MaxMsgSize',
        bytes: maxMsgBytes,
        maxBytes: maxMsgBytes - 1,
      });
    }
  });

  it('carrier: takes a value in several messages that one cannot hold', () => {
    const maxMsgBytes = 1_024 + encodedBytes(LARGE, XML.form) - 1_000;
    expect(new CommandSizes([LARGE]).firstTooLarge({ ...XML, maxMsgBytes })).toBeUndefined();
    expect(new CommandSizes([LARGE]).firstTooLarge({ ...XML, maxMsgBytes: 1_024 })?.command).toBe(LARGE);
  });

  it('carrier: takes no value with more bytes than its objects may have, and names the nested command', () => {
    const sizes = new CommandSizes([GET, ATOMIC]);
    expect(sizes.firstTooLarge({ ...XML, maxObjBytes: 2_000 })).toBeUndefined();
    expect(sizes.firstTooLarge({ ...XML, maxObjBytes: 1_999 })).toEqual({
      command: LARGE,
      limit: 'MaxObjSize',
      bytes: 2_000,
      maxBytes: 1_999,
    });
  });
});
