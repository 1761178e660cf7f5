import { describe, expect, it } from 'vitest';
import { isDetailDue, readDetail, readDevInfo } from './device-values.ts';

const leaf = (locUri: string, data?: string | Uint8Array) => ({ source: { locUri }, data });

describe('what devices say of themselves', () => {
  it('gateway: takes the DevInfo leaves that the inventory knows, however their LocURI begins', () => {
    const items = [
      leaf('./DevInfo', ''),
      leaf('./DevInfo/DevId', 'urn:dev:1'),
      leaf('DevInfo/Man', 'maker'),
      leaf('/DevInfo/Mod', 'model'),
      leaf('./DevInfo/Lang', new Uint8Array([1])),
      leaf('./DevInfo/Ext/Man', 'another'),
      leaf('./Other/DmV', '9'),
    ];
    expect(readDevInfo(items)).toEqual({ devId: 'urn:dev:1', inventory: { man: 'maker', mod: 'model' } });
  });

  it('gateway: keeps no more of a value than the inventory needs', () => {
    expect(readDevInfo([leaf('./DevInfo/Man', 'x'.repeat(10_000))]).inventory.man).toHaveLength(256);
  });

  it('gateway: reads versions from the Results and lacks what the device lacks', () => {
    expect(
      readDetail([
        { kind: 'Results', cmdRef: '1', items: [leaf('./DevDetail/FwV', '1.0')] },
        { kind: 'Results', cmdRef: '1', items: [leaf('./DevDetail/HwV', 'B')] },
        { kind: 'Status', cmdRef: '1', cmd: 'Get', targetRefs: [], sourceRefs: [], code: 404, items: [] },
      ]),
    ).toEqual({ fwV: '1.0', hwV: 'B' });
  });

  it('gateway: asks for versions when it never did or the answer is old', () => {
    expect(isDetailDue({}, 1_000, 500)).toBe(true);
    expect(isDetailDue({ detailAt: 500 }, 1_000, 500)).toBe(true);
    expect(isDetailDue({ detailAt: 501 }, 1_000, 500)).toBe(false);
  });
});
