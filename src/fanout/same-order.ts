import type { NewRun } from './store.ts';

/**
 * Whether two starts ask for the same: the same commands for the same group, or for the same members of an earlier run, of the
 * same DM Server, under the same Correlator. The policy does not count: what it is where a start says nothing may have been configured anew.
 */
export function isSameOrder(one: Order, other: Order): boolean {
  return (
    one.fanOutRoot === other.fanOutRoot &&
    one.serverId === other.serverId &&
    one.group === other.group &&
    one.correlator === other.correlator &&
    one.commands === other.commands &&
    one.retryOf?.run === other.retryOf?.run &&
    isSameSet(one.retryOf?.outcomes ?? [], other.retryOf?.outcomes ?? [])
  );
}

type Order = Pick<NewRun, 'fanOutRoot' | 'serverId' | 'group' | 'retryOf' | 'correlator' | 'commands'>;

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.every((item) => other.includes(item)) && other.every((item) => one.includes(item));
}
