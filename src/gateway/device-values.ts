import type { Answer, Item, ItemCommand } from '../protocol/message/message.ts';
import type { EpochMs } from '../fanout/store.ts';
import type { Inventory } from '../store/devices.ts';

/** More of a value is not kept: a device must not fill the store. */
const MAX_VALUE_CHARS = 256;
/** DevInfo leaves that the inventory keeps, by the name of their node. */
const DEV_INFO_FIELDS = [
  { name: 'Man', field: 'man' },
  { name: 'Mod', field: 'mod' },
  { name: 'DmV', field: 'dmV' },
  { name: 'Lang', field: 'lang' },
] as const;
/** DevDetail leaves that the inventory keeps. */
const DETAIL_FIELDS = [
  { name: 'FwV', field: 'fwV' },
  { name: 'SwV', field: 'swV' },
  { name: 'HwV', field: 'hwV' },
] as const;

type TextField = Exclude<keyof Inventory, 'detailAt'>;
type Fields = readonly { readonly name: string; readonly field: TextField }[];

/** What package 1 of a device says of it. [STDOBJ 5.3.2] */
export interface DevInfo {
  readonly devId: string | undefined;
  readonly inventory: Inventory;
}

/** Reads the DevInfo leaves of package 1; what else stands among them is left out. */
export function readDevInfo(items: readonly Item[]): DevInfo {
  const values = valuesBelow('DevInfo', items);
  return { devId: values.get('DevId'), inventory: pick(values, DEV_INFO_FIELDS) };
}

/** The Get that asks a device for the versions the inventory shows. [FANOUT 3] */
export const DETAIL_GET: ItemCommand = {
  kind: 'Get',
  cmdId: '1',
  items: DETAIL_FIELDS.map(({ name }) => ({ target: { locUri: `./DevDetail/${name}` } })),
};

/** Values that answers to `DETAIL_GET` brought; a device need not have them. */
export function readDetail(answers: readonly Answer[]): Inventory {
  const items = answers.flatMap((answer) => (answer.kind === 'Results' ? answer.items : []));
  return pick(valuesBelow('DevDetail', items), DETAIL_FIELDS);
}

/** Whether the versions were never asked for, or too long ago. */
export function isDetailDue({ detailAt }: Inventory, now: EpochMs, maxAgeMs: number): boolean {
  return detailAt === undefined || detailAt + maxAgeMs <= now;
}

/** Text of the leaves directly below `./<node>`, by name. */
function valuesBelow(node: string, items: readonly Item[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { source, data } of items) {
    const { locUri = '' } = source ?? {};
    const nameAt = locUri.lastIndexOf('/') + 1;
    const parent = locUri.slice(0, Math.max(0, nameAt - 1)).replace(/^\.?\//, '');
    if (parent === node && nameAt < locUri.length && typeof data === 'string') values.set(locUri.slice(nameAt), data);
  }
  return values;
}

function pick(values: ReadonlyMap<string, string>, fields: Fields): Inventory {
  const inventory: Partial<Record<TextField, string>> = {};
  for (const { name, field } of fields) {
    const value = values.get(name);
    if (value !== undefined) inventory[field] = value.slice(0, MAX_VALUE_CHARS);
  }
  return inventory;
}
