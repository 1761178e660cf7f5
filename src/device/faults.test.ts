import { describe, expect, it } from 'vitest';
import { assignFaults, parseFaults } from './faults.ts';
import { assignLacks, parseLacks } from './lacks.ts';

const usage = expect.objectContaining({ code: 'USAGE_FAULTS' }) as Error;

describe('faults', () => {
  it('faults: reads kinds and shares', () => {
    expect(parseFaults('silent=5, drop=12.5,error=10')).toEqual([
      { kind: 'silent', percent: 5 },
      { kind: 'drop', percent: 12.5 },
      { kind: 'error', percent: 10 },
    ]);
  });

  it.each([
    '',
    'sleepy=5',
    'silent',
    'silent=',
    'silent=0',
    'silent=101',
    'silent=x',
    'drop=1,drop=2',
    'drop=60,error=50',
  ])('faults: refuses "%s"', (spec) => {
    expect(() => parseFaults(spec)).toThrow(usage);
  });

  it('faults: are all told of where one is not known', () => {
    expect(() => parseFaults('sleepy=5')).toThrow(
      /"sleepy"; faults are silent, drop, slow, badauth, badxml, wrongref, error, reboot, duplicate, abort$/,
    );
  });

  it('faults: go to exact and disjoint shares of the fleet, the same for the same seed', () => {
    const shares = parseFaults('silent=5,drop=5,error=10,badauth=1');
    const assigned = assignFaults(7, 50, shares);
    const count = (kind: string): number => [...assigned.values()].filter((fault) => fault === kind).length;
    expect([count('silent'), count('drop'), count('error'), count('badauth')]).toEqual([3, 3, 5, 1]);
    expect(assigned.size).toBe(12);
    expect([...assignFaults(7, 50, shares)]).toEqual([...assigned]);
    expect([...assignFaults(8, 50, shares)]).not.toEqual([...assigned]);
  });

  it('faults: gives later kinds what is left, and refuses when nothing is', () => {
    expect(assignFaults(1, 3, parseFaults('silent=50,drop=50')).size).toBe(3);
    expect(() => assignFaults(1, 1, parseFaults('silent=50,drop=50'))).toThrow(usage);
  });
});

describe('lacks', () => {
  it('lacks: reads a share and nodes', () => {
    expect(parseLacks('50', './DevInfo/Mod, ./Vendor/Demo')).toEqual({
      percent: 50,
      locUris: ['./DevInfo/Mod', './Vendor/Demo'],
    });
    expect(assignLacks(3, 25, 50).size).toBe(13);
  });

  it.each([
    ['0', './Vendor'],
    ['50', ''],
    ['50', '.'],
    ['50', './Vendor/'],
    ['50', './Vendor?prop=Name'],
    ['50', 'Vendor'],
  ])('lacks: refuses %s of "%s"', (share, nodes) => {
    expect(() => parseLacks(share, nodes)).toThrow(expect.objectContaining({ code: 'USAGE_LACKS' }) as Error);
  });
});
