import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, Data, Item, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from '../tree/executor.ts';
import { createInbox } from '../tree/inbox.ts';
import { DEFAULT_LOC_URI_LIMITS, formatLocUri, parseLocUri } from '../tree/loc-uri.ts';
import { isAtOrBelow, type ManagementObject, type Path } from '../tree/management-object.ts';
import { MemoryObject } from '../tree/memory-object.ts';
import { MemoryProperties } from '../tree/memory-properties.ts';
import { MemoryNodeMap } from '../tree/node-map.ts';
import { objectTemplate, type TemplateNode } from '../tree/object-template.ts';
import { createTree } from '../tree/tree.ts';
import type { UserInteraction } from '../tree/user-interaction.ts';
import type { ExecLog } from './exec-log.ts';
import { seededStream } from './seed.ts';
import { Updates } from './updates.ts';

const MAKER = 'oma-dm-gateway';
/** A device knows no server but its own. */
const ROOT_ACL = 'Add=*&Delete=*&Exec=*&Get=*&Replace=*';
const INITIAL_LABEL = 'as delivered';

/** A leaf to read, the same for all devices or each device's own. */
function leaf(value: TemplateNode<DeviceTree>['value']): TemplateNode<DeviceTree> {
  return { format: 'chr', access: ['Copy', 'Get'], value };
}

/** What an Exec of the node at `locUri` has the device do. */
function action(
  locUri: string,
  status: number,
  run: (tree: DeviceTree, locUri: string, correlator: string | undefined) => Promise<void> | void,
): TemplateNode<DeviceTree> {
  return {
    format: 'null',
    access: ['Exec'],
    exec: async (tree, { correlator }) => {
      await tree.execLog?.({ deviceId: tree.id, locUri, correlator });
      await run(tree, locUri, correlator);
      return { status };
    },
  };
}

/** [STDOBJ 5.3.2] */
const DEV_INFO = objectTemplate<DeviceTree>(['DevInfo'], {
  '': { format: 'node', access: ['Get'], type: 'urn:oma:mo:oma-dm-devinfo:1.0' },
  DevId: leaf(({ id }) => id),
  Man: leaf(MAKER),
  Mod: leaf(({ id }) => `Demo Device ${id.slice(id.lastIndexOf(':') + 1)}`),
  DmV: leaf('1.2'),
  Lang: leaf('en'),
});

/** [STDOBJ 5.3.3] */
const DEV_DETAIL = objectTemplate<DeviceTree>(['DevDetail'], {
  '': { format: 'node', access: ['Get'], type: 'urn:oma:mo:oma-dm-devdetail:1.0' },
  'URI/MaxDepth': leaf(String(DEFAULT_LOC_URI_LIMITS.maxDepth)),
  'URI/MaxTotLen': leaf(String(DEFAULT_LOC_URI_LIMITS.maxUriBytes)),
  'URI/MaxSegLen': leaf(String(DEFAULT_LOC_URI_LIMITS.maxNameBytes)),
  DevTyp: leaf('simulator'),
  OEM: leaf(MAKER),
  FwV: leaf('1.0'),
  SwV: leaf(({ id }) => softwareVersionOf(id)),
  HwV: leaf('1.0'),
  LrgObj: { ...leaf('true'), format: 'bool' },
});

const ACCOUNT_ACCESS = ['Add', 'Delete', 'Get', 'Replace'] as const;
const ACCOUNT_NODE = { format: 'node', access: ACCOUNT_ACCESS } as const;
const ACCOUNT_LEAF = { format: 'chr', access: ACCOUNT_ACCESS, occurrence: 'One' } as const;
const OPTIONAL_LEAF = { ...ACCOUNT_LEAF, occurrence: 'ZeroOrOne' } as const;
/** What is written and never read. */
const SECRET_LEAF = { ...OPTIONAL_LEAF, access: ['Add', 'Delete', 'Replace'] } as const;
const MAX_ACCOUNTS = 8;

/** Accounts that a server adds, mostly through the inbox; the device's own is in no tree. [STDOBJ 5.3.1] */
const DM_ACC = objectTemplate<DeviceTree>(['DMAcc'], {
  '': { format: 'node', access: ['Get'] },
  '*': { ...ACCOUNT_NODE, type: 'urn:oma:mo:oma-dm-dmacc:1.0', occurrence: MAX_ACCOUNTS },
  '*/AppID': ACCOUNT_LEAF,
  '*/ServerID': ACCOUNT_LEAF,
  '*/Name': OPTIONAL_LEAF,
  '*/PrefConRef': OPTIONAL_LEAF,
  '*/ToConRef': { ...ACCOUNT_NODE, occurrence: 'ZeroOrOne' },
  '*/ToConRef/*': { ...ACCOUNT_NODE, occurrence: 'OneOrMore' },
  '*/ToConRef/*/ConRef': ACCOUNT_LEAF,
  '*/AppAddr': { ...ACCOUNT_NODE, occurrence: 'One' },
  '*/AppAddr/*': { ...ACCOUNT_NODE, occurrence: 'OneOrMore' },
  '*/AppAddr/*/Addr': ACCOUNT_LEAF,
  '*/AppAddr/*/AddrType': ACCOUNT_LEAF,
  '*/AppAddr/*/Port': { ...ACCOUNT_NODE, occurrence: 'ZeroOrOne' },
  '*/AppAddr/*/Port/*': { ...ACCOUNT_NODE, occurrence: 'OneOrMore' },
  '*/AppAddr/*/Port/*/PortNbr': ACCOUNT_LEAF,
  '*/AAuthPref': OPTIONAL_LEAF,
  '*/AppAuth': { ...ACCOUNT_NODE, occurrence: 'ZeroOrOne' },
  '*/AppAuth/*': { ...ACCOUNT_NODE, occurrence: 'OneOrMore' },
  '*/AppAuth/*/AAuthLevel': ACCOUNT_LEAF,
  '*/AppAuth/*/AAuthType': OPTIONAL_LEAF,
  '*/AppAuth/*/AAuthName': OPTIONAL_LEAF,
  '*/AppAuth/*/AAuthSecret': SECRET_LEAF,
  '*/AppAuth/*/AAuthData': { ...SECRET_LEAF, format: 'bin' },
});

const INBOX = createInbox({ 'urn:oma:mo:oma-dm-dmacc:1.0': ['DMAcc'] });

/** What a server can change and execute. Below the root it may add nodes of its own. */
const DEMO = objectTemplate<DeviceTree>(['Vendor', 'Demo'], {
  '': { format: 'node', access: ['Add', 'Get'] },
  Label: { format: 'chr', access: ['Copy', 'Get', 'Replace'], value: INITIAL_LABEL },
  Serial: leaf(({ id }) => serialOf(id)),
  Resets: { ...leaf(({ resets }) => String(resets)), format: 'int' },
  Reset: action('./Vendor/Demo/Reset', STATUS.ok, (tree) => tree.reset()),
  Update: action('./Vendor/Demo/Update', STATUS.accepted, (tree, locUri, correlator) => {
    tree.updates.start(locUri, correlator);
  }),
});

/** The templates of a simulated device, by what they describe. Its DDF and the documentation are made of them. */
export const DEVICE_TEMPLATES = { DevInfo: DEV_INFO, DevDetail: DEV_DETAIL, DMAcc: DM_ACC, Demo: DEMO } as const;

/** Who answers at a simulated device: by the default response of the question, else yes, a fixed text, the first choice. */
const SIMULATED_USER: UserInteraction = {
  ask({ kind, choices, options: { defaultResponse } }) {
    const numbers = (defaultResponse ?? '')
      .split('-')
      .map(Number)
      .filter((number) => number >= 1 && number <= choices.length);
    switch (kind) {
      case 'display':
        return Promise.resolve({ kind: 'shown' });
      case 'confirm':
        return Promise.resolve({ kind: defaultResponse === '0' ? 'no' : 'yes' });
      case 'text':
        return Promise.resolve({ kind: 'text', text: defaultResponse ?? 'simulated answer' });
      case 'singleChoice':
        return Promise.resolve({ kind: 'chosen', numbers: [numbers[0] ?? 1] });
      case 'multipleChoice':
        return Promise.resolve({ kind: 'chosen', numbers: numbers.length > 0 ? numbers : [1] });
    }
  },
};

/**
 * The management tree of a simulated device: `./DevInfo`, `./DevDetail`, `./DMAcc`, `./Inbox` and `./Vendor/Demo`. All devices share the
 * templates; a tree holds only what its device differs in. [STDOBJ 5.3]
 */
export class DeviceTree {
  /** DevInfo/DevId. */
  readonly id: string;
  /** Takes each Exec before it is executed. */
  readonly execLog: ExecLog | undefined;
  /** What `./Vendor/Demo/Update` has started. */
  readonly updates = new Updates();
  readonly #devInfo: MemoryObject<DeviceTree>;
  readonly #demo: MemoryObject<DeviceTree>;
  readonly #objects: readonly ManagementObject[];
  readonly #acls = new MemoryNodeMap<string>();
  /** None before the first command. */
  #properties: MemoryProperties | undefined;
  #resets = 0;

  /**
   * `lacks`: LocURIs of nodes that are not there, each with all below it; `more`: objects besides those of all devices.
   * Throws `StatusError` for a LocURI that is none, `DmError` TREE_MOUNT for an object where another is.
   */
  constructor(id: string, lacks: readonly string[] = [], execLog?: ExecLog, more: readonly ManagementObject[] = []) {
    this.id = id;
    this.execLog = execLog;
    this.#devInfo = new MemoryObject<DeviceTree>(DEV_INFO, this);
    this.#demo = new MemoryObject<DeviceTree>(DEMO, this);
    const lacking = lacks.map((locUri) => parseLocUri(locUri).path);
    const objects = [
      this.#devInfo,
      new MemoryObject<DeviceTree>(DEV_DETAIL, this),
      this.#demo,
      new MemoryObject<DeviceTree>(DM_ACC, this),
    ];
    for (const object of objects) removeFrom(object, lacking);
    const isThere = ({ root }: ManagementObject): boolean => !lacking.some((path) => isAtOrBelow(root, path));
    this.#objects = [...objects, INBOX, ...more].filter(isThere);
    if (more.length > 0) createTree({ objects: this.#objects });
  }

  /** How often `./Vendor/Demo/Reset` was executed. */
  get resets(): number {
    return this.#resets;
  }

  /** Items of the Replace in package 1, one per leaf of DevInfo. [DMPROTO 8.3] */
  async devInfo(): Promise<readonly Item[]> {
    const items: Item[] = [];
    for await (const name of this.#devInfo.children([])) {
      items.push({
        source: { locUri: formatLocUri([...this.#devInfo.root, name]) },
        meta: { format: 'chr', type: 'text/plain' },
        data: await this.#devInfo.read([name]),
      });
    }
    return items;
  }

  /** Executes the commands of one message for the server of this device, as `executeCommands` does; `now`: epoch ms. */
  execute(
    serverId: string,
    msgId: string,
    commands: readonly RequestCommand[],
    { fits, now = Date.now }: { readonly fits?: (data: Data) => boolean; readonly now?: () => number } = {},
  ): AsyncGenerator<Answer> {
    const properties = { store: (this.#properties ??= new MemoryProperties()), now };
    // Made for each message: between sessions a tree would be half of what a device takes.
    const tree = createTree({ objects: this.#objects, acls: this.#acls, properties, rootAcl: ROOT_ACL });
    return executeCommands(tree, { serverId }, msgId, commands, { user: SIMULATED_USER, fits });
  }

  /** What `./Vendor/Demo/Reset` does: counts, and puts the label back where there is one. */
  async reset(): Promise<void> {
    this.#resets += 1;
    const label = await this.#demo.find(['Label']);
    if (label) await this.#demo.replace(['Label'], { format: 'chr', type: 'text/plain', data: INITIAL_LABEL });
  }
}

function removeFrom(object: MemoryObject<DeviceTree>, lacking: readonly Path[]): void {
  const { root } = object;
  for (const path of lacking)
    if (isAtOrBelow(path, root) || isAtOrBelow(root, path)) object.remove(path.slice(root.length));
}

/** The first number of a stream of its own: the same for a DeviceID at each start. */
function numberOf(id: string): number {
  return seededStream(0, id).next();
}

function serialOf(id: string): string {
  return numberOf(id).toString(16).toUpperCase().padStart(8, '0');
}

function softwareVersionOf(id: string): string {
  const number = numberOf(id);
  return `2.${number % 10}.${(number >>> 8) % 100}`;
}
