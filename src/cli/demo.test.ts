import { expect, it } from 'vitest';
import type { DemoDocument } from '../app/demo/document.ts';
import { demoReport } from './demo.ts';

const STATUS = (ref: number, cmd: string, code: number) =>
  `<Status><CmdID>${ref}</CmdID><MsgRef>1</MsgRef><CmdRef>${ref}</CmdRef><Cmd>${cmd}</Cmd><Data>${code}</Data></Status>`;
const RESULTS = (ref: number, value: string) =>
  `<Results><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${ref}</CmdRef><Item><Data>${value}</Data></Item></Results>`;
const BODY = (...parts: string[]) => `<SyncBody xmlns="SYNCML:SYNCML1.2">${parts.join('')}</SyncBody>`;

const ANSWER = BODY(STATUS(1, 'Get', 200), STATUS(2, 'Exec', 404), RESULTS(1, 'Demo Device 1'));

function documentOf(results: DemoDocument['results'], counts: Partial<Record<string, number>>): DemoDocument {
  return {
    steps: [],
    run: {
      number: 1,
      resultsUrl: './SCR/Results/Results1',
      state: 'complete',
      counts: {
        targets: results.length,
        pending: 0,
        succeeded: 0,
        failed: 0,
        'timed-out': 0,
        unreachable: 0,
        unauthorized: 0,
        cancelled: 0,
        unknown: 0,
        ...counts,
      },
    },
    alert: { type: 't', source: './SCR/Results/Results1', data: '250', mark: 'warning', correlator: 'demo-1' },
    results,
    elapsedMs: 950,
  };
}

it('demo: shows a row for each device, with the codes and the first value of each command', () => {
  const results = [
    { deviceId: 'urn:dev:demo:1', outcome: 'failed', deResult: ANSWER },
    {
      deviceId: 'urn:dev:demo:10',
      outcome: 'timed-out',
      deResult: BODY(STATUS(1, 'Get', 408), STATUS(2, 'Exec', 408)),
    },
    { deviceId: 'urn:dev:demo:11', outcome: 'pending', deResult: null },
  ];
  expect(demoReport(documentOf(results, { failed: 1, 'timed-out': 1, pending: 1 })).split('\n')).toEqual([
    '',
    'Aggregated results at ./SCR/Results/Results1',
    'DeviceID         Outcome    Answers',
    'urn:dev:demo:1   failed     1 Get 200 "Demo Device 1" · 2 Exec 404',
    'urn:dev:demo:10  timed-out  1 Get 408 · 2 Exec 408',
    'urn:dev:demo:11  pending    -',
    '',
    'alert 250 (warning), correlator demo-1',
    '3 devices: 1 pending, 1 failed, 1 timed-out in 950 ms',
  ]);
});

it('demo: shows the first of many devices and folds the others that ended alike', () => {
  const results = Array.from({ length: 41 }, (_, index) => ({
    deviceId: `d${index + 1}`,
    outcome: index === 30 ? 'timed-out' : 'succeeded',
    deResult: index === 30 ? BODY(STATUS(1, 'Get', 408)) : BODY(STATUS(1, 'Get', 200), RESULTS(1, String(index))),
  }));
  const lines = demoReport(documentOf(results, { succeeded: 40, 'timed-out': 1 })).split('\n');
  expect(lines.filter((line) => /^d\d/.test(line))).toHaveLength(20);
  expect(lines.slice(-7)).toEqual([
    '',
    '  20 more  succeeded  1 Get 200',
    '  1 more   timed-out  1 Get 408',
    '  --json has every answer in full',
    '',
    'alert 250 (warning), correlator demo-1',
    '41 devices: 40 succeeded, 1 timed-out in 950 ms',
  ]);
});

it('demo: keeps a long or hostile answer on one line', () => {
  const many = Array.from({ length: 10 }, (_, index) => STATUS(index + 1, 'Get', 200));
  const deResult = BODY(...many, RESULTS(1, `\u009b2J${'x'.repeat(60)}\nnext`));
  const row = demoReport(documentOf([{ deviceId: 'd1', outcome: 'succeeded', deResult }], { succeeded: 1 })).split(
    '\n',
  )[3];
  expect(row).toMatch(/^d1 {8}succeeded {2}1 Get 200 "\\u009b2Jx{26}…" · 2 Get 200 · .* · 8 Get 200 · 2 more$/);
});

it('demo: says why there was no run', () => {
  const document = {
    steps: [],
    run: null,
    alert: null,
    results: [],
    error: { code: 'C', message: 'no' },
    elapsedMs: 1,
  };
  expect(demoReport(document)).toBe('refused: no');
});
