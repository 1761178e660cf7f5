import { describe, expect, it } from 'vitest';
import type { Item, Meta, RequestCommand } from '../protocol/message/message.ts';
import { isRepeatable } from './command-list.ts';
import { EXEC, GET } from '../../test/fanout/scenario.ts';

const VALUE: Item = { target: { locUri: './Vendor/X' }, data: '1' };

function replace(item: Item, meta?: Meta): RequestCommand {
  return { kind: 'Replace', cmdId: '3', items: [item], meta };
}

describe('lists of commands', () => {
  it.each<[string, readonly RequestCommand[], boolean]>([
    ['Gets and Replaces of values', [GET, replace(VALUE)], true],
    ['an Exec among them', [GET, EXEC], false],
    ['an Add', [{ kind: 'Add', cmdId: '1', items: [VALUE] }], false],
    ['a Replace that renames a node', [replace({ target: { locUri: './Vendor/X?prop=Name' }, data: 'Y' })], false],
    ['a Replace of an ACL', [replace({ target: { locUri: './Vendor/X?prop=ACL' }, data: 'Get=*' })], false],
    ['a Replace of a subtree', [replace(VALUE, { type: 'application/vnd.syncml.dmtnds+xml' })], false],
    ['a container', [{ kind: 'Sequence', cmdId: '1', commands: [GET] }], false],
  ])('commands: %s: may they be sent again? (%#)', (_, commands, expected) => {
    expect(isRepeatable(commands)).toBe(expected);
  });
});
