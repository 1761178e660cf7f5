import type { Item } from '../../protocol/message/message.ts';
import { DEFAULT_LOC_URI_LIMITS, formatLocUri, type LocUriLimits } from '../../tree/loc-uri.ts';
import type { ManagementObject } from '../../tree/management-object.ts';
import { type NodeRow, type NodeTable, tableObject } from './node-table.ts';

const DEV_INFO_ROOT = ['DevInfo'];
const INTERIOR = { format: 'node', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;
const TEXT = { format: 'chr', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;
const MAKER = 'oma-dm-gateway';

/** DevInfo. [STDOBJ 5.3.2] */
export const DEV_INFO_NODES = {
  '': { ...INTERIOR, type: 'urn:oma:mo:oma-dm-devinfo:1.0' },
  DevId: TEXT,
  Man: TEXT,
  Mod: TEXT,
  DmV: TEXT,
  Lang: TEXT,
} as const satisfies NodeTable;

/** DevDetail. [STDOBJ 5.3.3] */
export const DEV_DETAIL_NODES = {
  '': { ...INTERIOR, type: 'urn:oma:mo:oma-dm-devdetail:1.0' },
  URI: INTERIOR,
  'URI/MaxDepth': TEXT,
  'URI/MaxTotLen': TEXT,
  'URI/MaxSegLen': TEXT,
  DevTyp: TEXT,
  OEM: TEXT,
  FwV: TEXT,
  SwV: TEXT,
  HwV: TEXT,
  LrgObj: { ...TEXT, format: 'bool' },
} as const satisfies NodeTable;

/** Leaves of DevInfo by name, for a gateway of this id. */
function devInfoOf(id: string) {
  return { DevId: id, Man: MAKER, Mod: 'DM Gateway', DmV: '1.2', Lang: 'en' };
}

/** Items of the Replace in package 1. [DMPROTO 8.3] */
export function devInfoItems(id: string): readonly Item[] {
  return Object.entries(devInfoOf(id)).map(([name, data]) => ({
    source: { locUri: formatLocUri([...DEV_INFO_ROOT, name]) },
    meta: { format: 'chr', type: 'text/plain' },
    data,
  }));
}

/** `./DevInfo` of the gateway itself. */
export function createDevInfo(id: string): ManagementObject {
  const values = devInfoOf(id);
  return tableObject(DEV_INFO_ROOT, DEV_INFO_NODES, {
    DevId: constant(values.DevId),
    Man: constant(values.Man),
    Mod: constant(values.Mod),
    DmV: constant(values.DmV),
    Lang: constant(values.Lang),
  });
}

/** `./DevDetail` of the gateway itself; `limits` are those of its tree. */
export function createDevDetail(version: string, limits: LocUriLimits = DEFAULT_LOC_URI_LIMITS): ManagementObject {
  return tableObject(['DevDetail'], DEV_DETAIL_NODES, {
    'URI/MaxDepth': constant(String(limits.maxDepth)),
    'URI/MaxTotLen': constant(String(limits.maxUriBytes)),
    'URI/MaxSegLen': constant(String(limits.maxNameBytes)),
    DevTyp: constant('gateway'),
    OEM: constant(MAKER),
    FwV: constant(version),
    SwV: constant(version),
    HwV: constant('none'),
    LrgObj: constant('true'),
  });
}

function constant(data: string) {
  return { read: () => Promise.resolve(data) };
}
