import type { AuthScheme } from '../../protocol/auth/principal.ts';
import type { ManagementObject } from '../../tree/management-object.ts';
import type { DmServerAccount } from '../gateway.ts';
import { type NodeRow, type NodeTable, tableObject } from './node-table.ts';

const INTERIOR = { format: 'node', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;
const TEXT = { format: 'chr', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;

export const DM_ACC_TYPE = 'urn:oma:mo:oma-dm-dmacc:1.0';

/** DMAcc of DM 1.2. Secrets and nonces are there and allow no command at all: they come from the configuration. [STDOBJ 5.3.1] */
export const DM_ACC_NODES = {
  '': INTERIOR,
  '*': { ...INTERIOR, type: DM_ACC_TYPE, occurrence: 'ZeroOrMore' },
  '*/AppID': TEXT,
  '*/ServerID': TEXT,
  '*/AppAddr': INTERIOR,
  '*/AppAddr/*': { ...INTERIOR, occurrence: 'OneOrMore' },
  '*/AppAddr/*/Addr': TEXT,
  '*/AppAddr/*/AddrType': TEXT,
  '*/AAuthPref': TEXT,
  '*/AppAuth': INTERIOR,
  '*/AppAuth/*': { ...INTERIOR, occurrence: 'OneOrMore' },
  '*/AppAuth/*/AAuthLevel': TEXT,
  '*/AppAuth/*/AAuthType': TEXT,
  '*/AppAuth/*/AAuthName': TEXT,
  '*/AppAuth/*/AAuthSecret': { ...TEXT, access: [] },
  '*/AppAuth/*/AAuthData': { format: 'bin', access: [], occurrence: 'One' },
} as const satisfies NodeTable;

/** How DMAcc names the schemes. */
export const AUTH_TYPES: Readonly<Record<AuthScheme, string>> = {
  basic: 'BASIC',
  md5: 'DIGEST',
  mac: 'HMAC',
  none: 'TRANSPORT',
};

/** The two directions of an account, by the name of their node. */
const CREDENTIALS = {
  '1': { level: 'CLCRED', of: (server: DmServerAccount) => server.own },
  '2': { level: 'SRVCRED', of: (server: DmServerAccount) => server.peer },
} as const;

/** One `./DMAcc/<n>` per configured DM Server. */
export function createDmAcc(servers: readonly DmServerAccount[]): ManagementObject {
  const byName = new Map(servers.map((server, index) => [String(index + 1), server]));

  const ofServer = (select: (server: DmServerAccount) => string) => ({
    read([name]: readonly [string, ...string[]]) {
      const server = byName.get(name);
      return Promise.resolve(server && select(server));
    },
  });

  type Credential = (typeof CREDENTIALS)[keyof typeof CREDENTIALS];
  const ofCredential = (select: (credential: Credential, server: DmServerAccount) => string) => ({
    read([name, which]: readonly [string, string]) {
      const server = byName.get(name);
      const credential = isCredential(which) ? CREDENTIALS[which] : undefined;
      return Promise.resolve(server && credential && select(credential, server));
    },
  });

  return tableObject(['DMAcc'], DM_ACC_NODES, {
    '*': { exists: ([name]) => Promise.resolve(byName.has(name)), list: () => listed([...byName.keys()]) },
    '*/AppID': ofServer(() => 'w7'),
    '*/ServerID': ofServer(({ id }) => id),
    '*/AppAddr/*': {
      exists: ([name, which]) => Promise.resolve(byName.has(name) && which === '1'),
      list: () => listed(['1']),
    },
    '*/AppAddr/*/Addr': ofServer(({ url }) => url),
    '*/AppAddr/*/AddrType': ofServer(() => 'URI'),
    '*/AAuthPref': ofServer(({ own }) => AUTH_TYPES[own.scheme]),
    '*/AppAuth/*': {
      exists: ([name, which]) => Promise.resolve(byName.has(name) && isCredential(which)),
      list: () => listed(Object.keys(CREDENTIALS)),
    },
    '*/AppAuth/*/AAuthLevel': ofCredential(({ level }) => level),
    '*/AppAuth/*/AAuthType': ofCredential(({ of }, server) => AUTH_TYPES[of(server).scheme]),
    '*/AppAuth/*/AAuthName': ofCredential(({ of }, server) => of(server).principal.name),
  });
}

function isCredential(name: string): name is keyof typeof CREDENTIALS {
  return Object.hasOwn(CREDENTIALS, name);
}

async function* listed(names: readonly string[]): AsyncIterable<string> {
  yield* await Promise.resolve(names);
}
