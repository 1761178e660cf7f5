import type { FilterField, GroupFilter } from '../../fanout/group-filter.ts';
import type { EpochMs } from '../../fanout/store.ts';
import type { SqlValue } from './driver.ts';

/** A condition on a row of `device`, and what is bound to it in order. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

const COLUMNS: Readonly<Record<FilterField, string>> = {
  DeviceID: 'device_id',
  Man: `coalesce(man, '')`,
  Mod: `coalesce(mod, '')`,
  DmV: `coalesce(dm_v, '')`,
  Lang: `coalesce(lang, '')`,
  FwV: `coalesce(fw_v, '')`,
  SwV: `coalesce(sw_v, '')`,
  HwV: `coalesce(hw_v, '')`,
  State: `iif(last_seen_at IS NULL, 'registered', 'attached')`,
};

const OPERATORS = { '=': '=', '!=': '<>', '~': 'GLOB' } as const;

/** The filter as SQL. All its texts are bound, none is part of the SQL. */
export function filterSql(filter: GroupFilter, now: EpochMs): SqlCondition {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = filter.parts.map((part) => filterSql(part, now));
      return {
        sql: `(${parts.map(({ sql }) => sql).join(filter.kind === 'and' ? ' AND ' : ' OR ')})`,
        values: parts.flatMap(({ values }) => values),
      };
    }
    case 'not': {
      const { sql, values } = filterSql(filter.part, now);
      return { sql: `NOT (${sql})`, values };
    }
    case 'text':
      return {
        sql: `${COLUMNS[filter.field]} ${OPERATORS[filter.operator]} ?`,
        values: [filter.operator === '~' ? globPattern(filter.value) : filter.value],
      };
    case 'seen':
      return {
        sql: `coalesce(last_seen_at, ${Number.MIN_SAFE_INTEGER}) ${filter.operator === '<' ? '>' : '<'} ?`,
        values: [now - filter.ageMs],
      };
  }
}

/** GLOB knows sets of characters, a filter does not: `[` opens one, so it stands in a set of its own. */
function globPattern(pattern: string): string {
  return pattern.replaceAll('[', '[[]');
}
