import { describe, expect, it } from 'vitest';
import { LOCAL_NAMES, NAMESPACES } from '../elements.ts';
import { closesAt, declarationLength, nameAt, nameLength } from './words.ts';

const octets = (text: string): Uint8Array => Buffer.from(text);
const NUMBERED = Array.from(LOCAL_NAMES.entries()).slice(1);

describe('words of tags', () => {
  it('are found by their name, whatever ends it', () => {
    for (const [number, name] of NUMBERED) {
      for (const end of ['', '>', '/>', ' ', '\n']) expect(nameAt(octets(`<${name}${end}`), 1)).toBe(number);
      expect(nameLength(number)).toBe(name.length);
    }
  });

  it('are no part of another name', () => {
    const names = new Set(LOCAL_NAMES);
    for (const [, name] of NUMBERED) {
      for (const other of [`x:${name}`, `${name}.`, `${name}<`, name.slice(1), name.slice(0, -1), name.toUpperCase()]) {
        if (!names.has(other)) expect(nameAt(octets(`${other}>`), 0)).toBe(0);
      }
    }
  });

  it('close an element of that name only', () => {
    const name = LOCAL_NAMES.indexOf('Cmd');
    expect(closesAt(octets('</Cmd>'), 0, name)).toBe(true);
    for (const other of ['</CmdID>', '<Cmd>', '</Cmd >', '</Cmd', '</Cm>']) {
      expect(closesAt(octets(other), 0, name)).toBe(false);
    }
  });

  it('declare the namespace of their page, in either quotes', () => {
    const length = ` xmlns="${NAMESPACES[1]}"`.length;
    expect(declarationLength(octets(` xmlns="${NAMESPACES[1]}">`), 0, 1)).toBe(length);
    expect(declarationLength(octets(` xmlns='${NAMESPACES[1]}'>`), 0, 1)).toBe(length);
    expect(declarationLength(octets(` xmlns="${NAMESPACES[1]}'>`), 0, 1)).toBe(0);
    expect(declarationLength(octets(` xmlns="${NAMESPACES[1]}">`), 0, 2)).toBe(0);
  });
});
