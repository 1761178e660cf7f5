import { type PolicyInput, readPolicyValue } from '../../fanout/policy.ts';
import { POLICY_ROWS, type PolicyName, type PolicyRow } from '../../fanout/policy-table.ts';
import type { Data } from '../../protocol/message/message.ts';
import type { NodeStore } from '../../store/nodes.ts';
import { describedType } from '../../tree/description.ts';
import { formatLocUri } from '../../tree/loc-uri.ts';
import type { Caller, Format, NodeValue, Path } from '../../tree/management-object.ts';
import { type NodeBehaviour, type NodeRow, textOf } from './node-table.ts';

const POLICY: Path = ['FanOut', 'Ext', 'Policy'];

type PolicyPath = `FanOut/Ext/Policy/${PolicyName}`;

/** `Ext/Policy` of the Fan-Out MO: what the next run does otherwise than configured. [FANOUT 7] */
export const POLICY_NODES = Object.fromEntries(
  POLICY_ROWS.map((row) => [pathOf(row), rowOf(row)] as const),
) as unknown as Readonly<Record<PolicyPath, NodeRow>>;

/** The nodes of one instance of the Fan-Out MO: kept as they were written, checked when they are. */
export function createPolicyNodes(root: Path, nodes: Pick<NodeStore, 'read' | 'write'>) {
  const uriOf = ({ node }: PolicyRow): string => formatLocUri([...root, ...POLICY, node]);

  /** Nothing is written where there is none: an empty time is none. */
  async function read(row: PolicyRow): Promise<Data | undefined> {
    const data = (await nodes.read(uriOf(row)))?.data;
    return data === undefined || data.length === 0 ? undefined : data;
  }

  function keep(row: PolicyRow, data: Data, writtenBy: string): Promise<void> {
    const { format } = rowOf(row);
    return nodes.write(uriOf(row), { format, type: describedType(rowOf(row)), data, writtenBy });
  }

  function behaviourOf(row: PolicyRow): NodeBehaviour<readonly []> {
    async function write(_: readonly [], value: NodeValue, { serverId }: Caller): Promise<void> {
      const text = textOf(value.data, uriOf(row));
      readPolicyValue(row, text);
      await keep(row, text, serverId);
    }
    return {
      read: () => read(row),
      add: write,
      replace: write,
      madeByReplace: true,
      delete: (_, { serverId }) => keep(row, '', serverId),
      async keep() {
        const before = await nodes.read(uriOf(row));
        return () => keep(row, before?.data ?? '', before?.writtenBy ?? '');
      },
    };
  }

  return {
    behaviours: Object.fromEntries(POLICY_ROWS.map((row) => [pathOf(row), behaviourOf(row)])) as unknown as Readonly<
      Record<PolicyPath, NodeBehaviour<readonly []>>
    >,

    /** What is written, by node name. */
    async input(): Promise<PolicyInput> {
      const written = await Promise.all(
        POLICY_ROWS.map(async (row) => {
          const data = await read(row);
          return data === undefined ? [] : [[row.node, textOf(data, uriOf(row))] as const];
        }),
      );
      return Object.fromEntries(written.flat());
    },
  };
}

function pathOf({ node }: Pick<PolicyRow, 'node'>): string {
  return [...POLICY, node].join('/');
}

function rowOf({ kind }: PolicyRow): NodeRow {
  const format: Format = kind === 'int' || kind === 'bool' ? kind : 'chr';
  return { format, access: ['Add', 'Get', 'Delete', 'Replace'], occurrence: 'ZeroOrOne', permanent: false };
}
