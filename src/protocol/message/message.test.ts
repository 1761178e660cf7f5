import { expect, it } from 'vitest';
import { everyCommand, type RequestCommand } from './message.ts';

it('commands: are walked through with what is nested in them, container first', () => {
  const get = (cmdId: string): RequestCommand => ({ kind: 'Get', cmdId, items: [] });
  const atomic: RequestCommand = { kind: 'Atomic', cmdId: 'b', commands: [get('c'), get('d')] };
  const sequence: RequestCommand = { kind: 'Sequence', cmdId: 'a', commands: [atomic] };
  expect([...everyCommand([sequence, get('e')])].map(({ cmdId }) => cmdId)).toEqual(['a', 'b', 'c', 'd', 'e']);
});
