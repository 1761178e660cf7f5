import { createHash } from 'node:crypto';
import type { Answer, Data, ResultsCommand } from '../protocol/message/message.ts';
import { base64, needsBase64 } from '../protocol/xml/octets.ts';
import { decodeDeResult } from './de-result.ts';
import type { Facet } from './store.ts';

/** Characters of a key or value that is kept as it is. */
const MAX_CHARS = 200;
/** Characters that are kept of a longer one, before its digest. */
const BEGINNING_CHARS = 120;

/** What a DeResult says, thing by thing, each once: the Status of commands, and the values of Results. [FANOUT 3] */
export function facetsOf(deResult: string): readonly Facet[] {
  return facetsOfAnswers(decodeDeResult(deResult));
}

/** The same of the answers that a DeResult is made of. */
export function facetsOfAnswers(answers: readonly Answer[]): readonly Facet[] {
  const facets = new Map<string, Facet>();
  const add = (facet: Facet): void => {
    const { kind, key, value } = facet;
    facets.set(`${kind} ${key.length} ${key}${value}`, facet);
  };
  for (const answer of answers) {
    if (answer.kind === 'Status') add(statusFacet(answer));
    else addValues(add, answer);
  }
  return [...facets.values()];
}

function statusFacet({ cmdRef, cmd, code }: Extract<Answer, { kind: 'Status' }>): Facet {
  return { kind: 'status', key: shortened(`${cmdRef} ${cmd}`), value: String(code) };
}

/** A value that names no node cannot be compared with that of another device. */
function addValues(add: (facet: Facet) => void, { items, sourceRef, targetRef }: Answer<ResultsCommand>): void {
  for (const { source, data = '' } of items) {
    const locUri = (source?.locUri ?? sourceRef ?? targetRef)?.trim();
    if (locUri) add({ kind: 'value', key: shortened(locUri), value: shortened(textOf(data)) });
  }
}

/** As it stands in a DeResult. */
function textOf(data: Data): string {
  return typeof data === 'string' && !needsBase64(data) ? data : base64(data);
}

function shortened(text: string): string {
  if (text.length <= MAX_CHARS) return text;
  const beginning = text.slice(0, BEGINNING_CHARS).replace(/[\uD800-\uDBFF]$/, '');
  return `${beginning}… sha256:${createHash('sha256').update(text).digest('hex')}`;
}
