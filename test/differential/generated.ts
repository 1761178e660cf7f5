import { branch, type Element, leaf } from '../../src/protocol/element.ts';
import { type DtdVersion, type ElementName, type ElementType, elementType } from '../../src/protocol/elements.ts';

/** Numbers that look random and are the same for the same seed. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** At least 0 and less than `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  /** True in one of `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** A seed for this run, or that of the environment. */
export function seedOfRun(): number {
  return Number(process.env['DMGW_TEST_SEED'] ?? Date.now() % 0x7fffffff);
}

const WORDS = [
  '1',
  '200',
  './DevInfo/DevId',
  'text/plain',
  'a b',
  'größe',
  '日本',
  '\u{1f600}',
  'x'.repeat(40),
  ']]',
  'ﬁ',
];
const CARE = [
  '&',
  '<',
  '>',
  '"',
  "'",
  ']]>',
  '&amp;',
  '\t',
  '\n',
  '\r',
  '  ',
  '-->',
  '%',
  '\u0085',
  '\u2028',
  '\ufeff',
  '\u007f',
];

/** Text that XML can hold, often with what needs care. */
export function randomText(random: Random): string {
  const pieces = Array.from({ length: random.below(4) }, () => random.pick(random.oneIn(3) ? CARE : WORDS));
  return pieces.join('');
}

/** An element of the table with children as its content model has them: in order, some absent, some repeated. */
export function randomElement(random: Random, type: ElementType, depth: number, dtd: DtdVersion = '1.2'): Element {
  switch (type.content) {
    case 'empty':
      return leaf(type.name);
    case 'text':
      return leaf(type.name, randomText(random).trim());
    case 'data':
      return leaf(type.name, randomText(random));
    case 'elements': {
      const children: Element[] = [];
      for (const particle of type.particles) {
        const names = particle.filter((name) => isInVersion(name, dtd));
        const times =
          depth === 0 || names.length === 0 ? 0 : random.pick(names.length > 1 ? [1, 2, 3] : [0, 0, 1, 1, 2]);
        for (let count = 0; count < times; count += 1) {
          children.push(randomElement(random, elementType(random.pick(names)), depth - 1, dtd));
        }
      }
      return branch(type.name, children);
    }
  }
}

/** What SyncML 1.2 and its MetInf and DevInf brought, by the last token of 1.1. */
function isInVersion(name: ElementName, dtd: DtdVersion): boolean {
  const { page, token } = elementType(name);
  if (name === 'devinf:Size') return dtd !== '1.2';
  if (name === 'devinf:MaxSize') return dtd === '1.2';
  return dtd === '1.2' || page === 2 || token <= [0x34, 0x15, 0, 0x2a][page]!;
}
