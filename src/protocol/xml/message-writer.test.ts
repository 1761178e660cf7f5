import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyCommand, anyMessage } from '../../../test/protocol/any-message.ts';
import type { Answer } from '../message/message.ts';
import { commandToElement, messageToElement } from '../message/to-elements.ts';
import { commandXml, messageXml } from './message-writer.ts';
import { writeXml, xmlOf } from './writer.ts';

/** What comes of it, a refusal included. */
function outcomeOf(write: () => string): unknown {
  try {
    return write();
  } catch (error) {
    return error;
  }
}

describe('a message as XML', () => {
  it('writer: writes what it would write of the element tree', () => {
    fc.assert(
      fc.property(anyMessage, (any) => {
        expect(outcomeOf(() => messageXml(any))).toEqual(outcomeOf(() => writeXml([messageToElement(any)])));
      }),
    );
  });

  it('writer: writes a command as it stands in a message', () => {
    fc.assert(
      fc.property(anyCommand, (any) => {
        expect(outcomeOf(() => commandXml(any))).toEqual(outcomeOf(() => xmlOf(commandToElement(any), 0)));
      }),
    );
  });

  it('writer: writes an answer under the ids that it is given', () => {
    const answer: Answer = {
      kind: 'Status',
      cmdRef: '3',
      cmd: 'Get',
      targetRefs: ['./a & b'],
      sourceRefs: [],
      code: 200,
      items: [],
    };
    expect(commandXml(answer, { cmdId: '7', msgRef: '1' })).toBe(
      '<Status><CmdID>7</CmdID><MsgRef>1</MsgRef><CmdRef>3</CmdRef><Cmd>Get</Cmd><TargetRef>./a &amp; b</TargetRef><Data>200</Data></Status>',
    );
  });
});
