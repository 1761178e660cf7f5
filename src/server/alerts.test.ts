import { expect, it } from 'vitest';
import type { AlertCommand, Item } from '../protocol/message/message.ts';
import { completionOf } from './alerts.ts';

const NAME = 'urn:oma:at:oma-gwmo';

function alert(item: Item): AlertCommand {
  return { kind: 'Alert', cmdId: '2', code: 1226, correlator: 'c-1', items: [item] };
}

it('server: reads the results URL of a completion with and without a leading slash', () => {
  for (const locUri of ['./SCR/Results/Results1', '/SCR/Results/Results1']) {
    const meta = { type: `${NAME}:completionstatus:1.0`, format: 'int', mark: 'warning' };
    expect(completionOf(alert({ source: { locUri }, meta, data: '250' }))).toEqual({
      type: meta.type,
      resultsUrl: './SCR/Results/Results1',
      data: '250',
      mark: 'warning',
      correlator: 'c-1',
    });
  }
});

it('server: takes an alert that carries the results for a completion, however it carries them', () => {
  for (const data of ['<MgmtTree/>', new Uint8Array([2, 0xa4, 1]), undefined]) {
    const meta = { type: `${NAME}:resultaggregation:1.0`, format: 'xml' };
    const completion = completionOf(alert({ source: { locUri: './SCR/Results/Results1' }, meta, data }));
    expect(completion).toMatchObject({ resultsUrl: './SCR/Results/Results1', data: 'results', correlator: 'c-1' });
  }
});

it('server: leaves other alerts alone', () => {
  expect(completionOf(alert({ data: 'x' }))).toBeUndefined();
  expect(completionOf(alert({ source: { locUri: './A' }, meta: { type: 'x' }, data: '200' }))).toBeUndefined();
  expect(completionOf({ kind: 'Alert', cmdId: '1', code: 1201, items: [] })).toBeUndefined();
});
