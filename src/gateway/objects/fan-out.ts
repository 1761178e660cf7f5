import { parseCommands } from '../../fanout/commands.ts';
import { applyPolicy, type Policy } from '../../fanout/policy.ts';
import type { EpochMs, FanOutStore } from '../../fanout/store.ts';
import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { Data } from '../../protocol/message/message.ts';
import type { GroupStore } from '../../store/groups.ts';
import type { NodeStore, StoredNode } from '../../store/nodes.ts';
import { describedType } from '../../tree/description.ts';
import { formatLocUri, parseLocUri } from '../../tree/loc-uri.ts';
import type {
  Caller,
  ExecRequest,
  ExecResult,
  Format,
  ManagementObject,
  NodeValue,
  Path,
  Undo,
} from '../../tree/management-object.ts';
import type { MakePlan, PlanRequest } from '../planning.ts';
import type { RunControl } from '../run-control.ts';
import { DEVICE_GROUPS, groupNameOf, groupRefPath } from './gw-config.ts';
import { type NodeRow, type NodeTable, tableObject, textOf } from './node-table.ts';
import { createPlanNodes, PLAN_NODES } from './plan-nodes.ts';
import { createPolicyNodes, POLICY_NODES } from './policy-nodes.ts';
import { resultsUrl } from './results-url.ts';
import { createRunNodes, RUN_NODES } from './run-nodes.ts';

/** MO identifier of the Fan-Out MO and of the results it leaves. [GWMO] */
export const FAN_OUT_MO = 'urn:oma:mo:oma-gwmo-fanout:1.0';

/** Fan-Out MO. [FANOUT 3] */
export const FAN_OUT_NODES = {
  '': { format: 'node', type: FAN_OUT_MO, access: ['Get'], occurrence: 'One' },
  FanOut: { format: 'node', access: ['Get'], occurrence: 'One' },
  'FanOut/ToBeFannedOut': { format: 'xml', type: 'text/xml', access: ['Get', 'Replace'], occurrence: 'One' },
  'FanOut/TargetGroupRef': { format: 'chr', access: ['Get', 'Replace'], occurrence: 'One' },
  'FanOut/Start': { format: 'null', access: ['Exec'], occurrence: 'One' },
  'FanOut/Ext': { format: 'node', access: ['Get'], occurrence: 'One' },
  'FanOut/Ext/Policy': { format: 'node', access: ['Get'], occurrence: 'One' },
  ...POLICY_NODES,
  ...PLAN_NODES,
  ...RUN_NODES,
} as const satisfies NodeTable;

/** Formats in which commands can be written. [FANOUT 3] */
const COMMAND_FORMATS = ['xml', 'chr', 'bin'] as const satisfies readonly Format[];

/** What the object needs from the rest of the gateway. */
export interface FanOutPorts {
  readonly nodes: Pick<NodeStore, 'read' | 'write'>;
  readonly groups: Pick<GroupStore, 'exists' | 'resolvedCount'>;
  readonly fanOut: Pick<FanOutStore, 'run' | 'runs'>;
  readonly control: RunControl;
  readonly makePlan: MakePlan;
  /** Whether the ACL gives this server Get on the node. */
  mayGet(path: Path, caller: Caller): Promise<boolean>;
  /** What counts where `Ext/Policy` says nothing. */
  readonly policy: Policy;
  readonly maxObjBytes: number;
  now(): EpochMs;
}

/** One instance of the Fan-Out MO: what is to be fanned out, to whom, and the Exec that starts a run. [FANOUT 4] */
export function createFanOut(root: string, ports: FanOutPorts): ManagementObject {
  const rootPath = parseLocUri(root).path;
  const commandsUri = formatLocUri([...rootPath, 'FanOut', 'ToBeFannedOut']);
  const groupUri = formatLocUri([...rootPath, 'FanOut', 'TargetGroupRef']);
  const policy = createPolicyNodes(rootPath, ports.nodes);
  let last: (Pick<StoredNode, 'data' | 'type'> & Pick<PlanRequest, 'commands'>) | undefined;

  async function writeCommands(value: NodeValue, caller: Caller): Promise<void> {
    if (!COMMAND_FORMATS.some((format) => format === value.format)) {
      throw refusal(STATUS.unsupportedType, `${commandsUri} takes Format ${COMMAND_FORMATS.join(', ')}`);
    }
    const bytes = typeof value.data === 'string' ? Buffer.byteLength(value.data) : value.data.length;
    if (bytes > ports.maxObjBytes) {
      throw refusal(STATUS.tooLarge, `${commandsUri} takes at most ${ports.maxObjBytes} bytes, not ${bytes}`);
    }
    parseCommands(value.data, value.type);
    await ports.nodes.write(commandsUri, { ...value, writtenBy: caller.serverId });
  }

  async function writeGroupRef(value: NodeValue, caller: Caller): Promise<void> {
    const text = textOf(value.data, groupUri);
    groupRefPath(text, groupUri);
    await ports.nodes.write(groupUri, { ...value, data: text, writtenBy: caller.serverId });
  }

  /** What was never written is empty again, which is never written. */
  async function kept(uri: string, row: NodeRow): Promise<Undo> {
    const empty: StoredNode = { format: row.format, type: describedType(row), data: '', writtenBy: '' };
    const before = (await ports.nodes.read(uri)) ?? empty;
    return () => ports.nodes.write(uri, before);
  }

  /** What Start asks for, and the two leaves it comes from. Throws the `StatusError` that Start is refused with. */
  async function readOrder() {
    const [commands, groupRef] = await Promise.all([ports.nodes.read(commandsUri), ports.nodes.read(groupUri)]);
    if (!commands?.data.length) throw refusal(STATUS.incompleteCommand, `${commandsUri} is empty`);
    if (!groupRef?.data.length) throw refusal(STATUS.incompleteCommand, `${groupUri} is empty`);
    const request: PlanRequest = {
      group: await existingGroup(groupRef),
      commands: parsed(commands),
      policy: applyPolicy(ports.policy, await policy.input()),
    };
    return { request, commands, groupRef };
  }

  type Order = Awaited<ReturnType<typeof readOrder>>;

  async function start({ correlator }: ExecRequest, caller: Caller): Promise<ExecResult> {
    const order = await readOrder();
    const { request } = order;
    const { serverId } = caller;
    if ((await ports.groups.resolvedCount(request.group, ports.now())) === 0) {
      throw refusal(STATUS.incompleteCommand, `group ${request.group} has no members`);
    }
    await checkRights(order, caller);
    const run = await ports.control.startRun(
      { ...request, fanOutRoot: formatLocUri(rootPath), serverId, correlator, idempotencyKey: undefined },
      serverId,
    );
    return { status: STATUS.accepted, data: resultsUrl(run.number) };
  }

  /** A plan is made for the server that wrote TargetGroupRef: it tells nobody of a group that is none of theirs. */
  async function planned(): Promise<PlanRequest> {
    const order = await readOrder();
    await checkRights(order, { serverId: order.groupRef.writtenBy });
    return order.request;
  }

  async function checkRights({ request, commands, groupRef }: Order, caller: Caller): Promise<void> {
    if (!(await ports.mayGet([...DEVICE_GROUPS, request.group], caller))) {
      throw refusal(STATUS.permissionDenied, `the ACL gives no Get on group ${request.group}`);
    }
    for (const [uri, { writtenBy }] of [[commandsUri, commands] as const, [groupUri, groupRef] as const]) {
      if (writtenBy === caller.serverId) continue;
      throw refusal(STATUS.conflict, `${uri} was last written by another DM Server`);
    }
  }

  /** The same list as long as the same is written: a plan reads it for each of its leaves. */
  function parsed({ data, type }: StoredNode): PlanRequest['commands'] {
    if (!last || last.type !== type || !isSameData(last.data, data)) {
      last = { data, type, commands: parseCommands(data, type) };
    }
    return last.commands;
  }

  async function existingGroup(groupRef: StoredNode): Promise<string> {
    const text = textOf(groupRef.data, groupUri);
    const group = groupNameOf(groupRefPath(text, groupUri));
    if (group !== undefined && (await ports.groups.exists(group))) return group;
    throw refusal(STATUS.notFound, `${groupUri} names ${text}, and there is no such group`);
  }

  return tableObject(rootPath, FAN_OUT_NODES, {
    'FanOut/ToBeFannedOut': {
      async shape() {
        const written = await ports.nodes.read(commandsUri);
        const { format, type } = FAN_OUT_NODES['FanOut/ToBeFannedOut'];
        return {
          format: COMMAND_FORMATS.find((known) => known === written?.format) ?? format,
          type: written?.type ?? type,
        };
      },
      read: async () => (await ports.nodes.read(commandsUri))?.data ?? '',
      replace: (_, value, caller) => writeCommands(value, caller),
      keep: () => kept(commandsUri, FAN_OUT_NODES['FanOut/ToBeFannedOut']),
    },
    'FanOut/TargetGroupRef': {
      read: async () => (await ports.nodes.read(groupUri))?.data ?? '',
      replace: (_, value, caller) => writeGroupRef(value, caller),
      keep: () => kept(groupUri, FAN_OUT_NODES['FanOut/TargetGroupRef']),
    },
    'FanOut/Start': { exec: (_, request, caller) => start(request, caller) },
    ...policy.behaviours,
    ...createPlanNodes({
      request: planned,
      makePlan: ports.makePlan,
      now: () => ports.now(),
    }),
    ...createRunNodes(rootPath, { ...ports, writtenPolicy: () => policy.input() }),
  });
}

function refusal(status: number, message: string, options?: ErrorOptions): StatusError {
  return new StatusError(status, 'GATEWAY_FAN_OUT', message, options);
}

function isSameData(one: Data, other: Data): boolean {
  return typeof one === 'string' || typeof other === 'string' ? one === other : Buffer.compare(one, other) === 0;
}
