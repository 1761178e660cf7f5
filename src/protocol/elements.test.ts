import { describe, expect, it } from 'vitest';
import { ELEMENT_TYPES, elementType, elementTypeOfTag, elementTypeOfToken, NAMESPACES } from './elements.ts';

describe('element table', () => {
  it('has every token of its pages once', () => {
    const newest = ELEMENT_TYPES.filter((type) => elementTypeOfToken(type.page, type.token) === type);
    const pages = [0, 1, 2, 3].map((page) => newest.filter((type) => type.page === page).map(({ token }) => token));
    const range = (last: number): number[] => Array.from({ length: last - 4 }, (_, index) => index + 5);
    expect(pages[0]).toEqual(range(0x3c).filter((token) => token !== 0x30));
    expect(pages[1]).toEqual(range(0x16));
    expect(pages[2]).toEqual(range(0x3c));
    expect(pages[3]).toEqual(range(0x34).filter((token) => token !== 0x2f));
    expect(ELEMENT_TYPES.filter((type) => !newest.includes(type)).map(({ name }) => name)).toEqual(['devinf:Size']);
  });

  it('knows what a token of DevInf stood for before 1.2', () => {
    expect(elementTypeOfToken(3, 0x1c)?.name).toBe('devinf:MaxSize');
    expect(elementTypeOfToken(3, 0x1c, '1.1')?.name).toBe('devinf:Size');
    expect(elementTypeOfToken(3, 0x1d, '1.1')?.name).toBe('devinf:SourceRef');
  });

  it('never mixes DevInf with other documents', () => {
    expect(elementTypeOfTag('CTCap', undefined, undefined)?.name).toBe('devinf:CTCap');
    expect(elementTypeOfTag('CTCap', elementType('Item'), undefined)).toBeUndefined();
    expect(elementTypeOfTag('CmdID', elementType('devinf:DevInf'), undefined)).toBeUndefined();
  });

  it('finds each row by its token and, inside its own page, by its tag', () => {
    for (const type of ELEMENT_TYPES) {
      const dtd = type.name === 'devinf:Size' ? '1.1' : '1.2';
      expect(elementTypeOfToken(type.page, type.token, dtd)).toBe(type);
      expect(elementTypeOfTag(type.localName, undefined, NAMESPACES[type.page])).toBe(type);
      for (const child of type.childTypes.values())
        expect(elementTypeOfTag(child.localName, type, undefined)).toBe(child);
    }
  });

  it('names no child twice in a content model', () => {
    for (const { name, particles } of ELEMENT_TYPES) {
      const names = particles.flat();
      expect(new Set(names).size, name).toBe(names.length);
      for (const child of names) expect(elementType(child).name).toBe(child);
    }
  });

  it('tells Node from node', () => {
    expect(elementTypeOfTag('Node', undefined, undefined)?.name).toBe('ddf:Node');
    expect(elementTypeOfTag('node', undefined, undefined)?.name).toBe('ddf:node');
  });

  it('prefers the place of a tag to its namespace, and its namespace to the order of the pages', () => {
    expect(elementTypeOfTag('Format', elementType('Meta'), NAMESPACES[2])?.name).toBe('metinf:Format');
    expect(elementTypeOfTag('Format', undefined, NAMESPACES[2])?.name).toBe('ddf:Format');
    expect(elementTypeOfTag('Add', undefined, undefined)?.name).toBe('Add');
  });
});
