import { describe, expect, it } from 'vitest';
import { commandsFromText, statusesOf, resultsOf } from './de-result.ts';
import { demo } from './dmgw.ts';

const NO_OUTCOMES = {
  pending: 0,
  succeeded: 0,
  failed: 0,
  'timed-out': 0,
  unreachable: 0,
  unauthorized: 0,
  cancelled: 0,
  unknown: 0,
};

describe('demo', () => {
  it('runs the seven steps with 25 devices and gets each answer', async () => {
    const { code, document } = await demo([]);
    expect(code).toBe(0);
    expect(document.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const { at } of document.steps) expect(new Date(at).toISOString()).toBe(at);
    expect(document.run).toEqual({
      number: 1,
      resultsUrl: './SCR/Results/Results1',
      state: 'complete',
      counts: { ...NO_OUTCOMES, targets: 25, succeeded: 25 },
    });
    expect(document.alert).toEqual({
      type: 'urn:oma:at:oma-gwmo:completionstatus:1.0',
      source: './SCR/Results/Results1',
      data: '200',
      mark: 'informational',
      correlator: 'demo-1',
    });
    expect(document.results).toHaveLength(25);
  });

  it('answers, with both encodings and both schemes, one Status per command and the device’s own values', async () => {
    const { code, document } = await demo(['--devices', '60', '--encoding', 'mixed', '--auth', 'mixed', '--seed', '3']);
    expect(code).toBe(0);
    expect(new Set(document.results.map(({ deviceId }) => deviceId)).size).toBe(60);
    const models = new Set<string>();
    for (const { outcome, deResult } of document.results) {
      expect(outcome).toBe('succeeded');
      expect(statusesOf(deResult)).toEqual([
        { cmdRef: '1', cmd: 'Get', code: 200 },
        { cmdRef: '2', cmd: 'Replace', code: 200 },
        { cmdRef: '3', cmd: 'Get', code: 200 },
        { cmdRef: '4', cmd: 'Exec', code: 200 },
      ]);
      const results = resultsOf(deResult);
      expect(results.map(({ cmdRef, locUri }) => [cmdRef, locUri])).toEqual([
        ['1', './DevInfo/Mod'],
        ['3', './Vendor/Demo/Label'],
      ]);
      expect(results[1]?.data).toBe('fanned out');
      models.add(results[0]?.data ?? '');
    }
    expect(models.has('')).toBe(false);
  });

  it('ends by itself with faulty devices, each with the outcome of its fault, the same each time', async () => {
    const args = ['--devices', '200', '--faults', 'silent=5,drop=5,badauth=2,error=5', '--seed', '7'];
    const first = await demo([...args, '--device-deadline', '4']);
    expect(first.code).toBe(1);
    expect(first.document.run?.counts).toEqual({
      ...NO_OUTCOMES,
      targets: 200,
      succeeded: 166,
      failed: 10,
      'timed-out': 10,
      unauthorized: 4,
      unknown: 10,
    });
    expect(first.document.alert).toMatchObject({ data: '250', mark: 'warning' });
    const second = await demo([...args, '--device-deadline', '4']);
    const outcomes = (results: typeof first.document.results): string[] =>
      results.map(({ deviceId, outcome }) => `${deviceId} ${outcome}`);
    expect(outcomes(second.document.results)).toEqual(outcomes(first.document.results));
    for (const { outcome, deResult } of first.document.results) {
      const codes = statusesOf(deResult).map(({ code }) => code);
      if (outcome === 'timed-out') expect(codes).toEqual([408, 408, 408, 408]);
      if (outcome === 'unknown') expect(codes).toEqual([504, 504, 504, 504]);
      if (outcome === 'unauthorized') expect(codes).toEqual([401, 401, 401, 401]);
      if (outcome === 'failed') expect(codes).toEqual([500, 500, 500, 500]);
    }
  });

  it('keeps the CmdIDs of the command file', async () => {
    const commands = `<Get><CmdID>get-a</CmdID><Item><Target><LocURI>./DevDetail/SwV</LocURI></Target></Item></Get>
      <Sequence><CmdID>both</CmdID><Get><CmdID>inner</CmdID><Item><Target><LocURI>./DevInfo/Man</LocURI></Target></Item></Get></Sequence>`;
    const file = await commandsFromText(commands);
    const { document } = await demo(['--devices', '3', '--commands', file.path]);
    await file.remove();
    expect(document.results.map(({ deResult }) => statusesOf(deResult).map(({ cmdRef }) => cmdRef))).toEqual(
      Array.from({ length: 3 }, () => ['get-a', 'both', 'inner']),
    );
  });
});
