import { encodeFile } from '../protocol/codec.ts';
import { branch, type Element, leaf } from '../protocol/element.ts';
import type { AuthScheme } from '../protocol/auth/principal.ts';
import { AUTH_TYPES, DM_ACC_TYPE } from './objects/dm-acc.ts';

/** One direction of authentication as the device has to know it. */
interface ProfileCredential {
  readonly scheme: AuthScheme;
  readonly name: string;
  readonly secret: string;
  readonly nonce: Uint8Array;
}

/** What a device needs to know of its gateway. Holds plain secrets: it is handed out once and never kept. */
export interface DeviceProfile {
  readonly gatewayName: string;
  /** URL the device posts to. */
  readonly gatewayUrl: string;
  /** How the device proves itself. */
  readonly client: ProfileCredential;
  /** How the gateway proves itself; the name is its ServerID. */
  readonly server: ProfileCredential;
}

/** Name of the account below `./DMAcc` of the device. */
const ACCOUNT_NAME = 'gateway';

/** The account as a management object to be added below `./DMAcc`. [STDOBJ 5.3.1, TNDS 5] */
export function dmAccOf(profile: DeviceProfile): string {
  const { client, server } = profile;
  const account = node(ACCOUNT_NAME, leaf('ddf:DDFName', DM_ACC_TYPE), [
    text('AppID', 'w7'),
    text('ServerID', server.name),
    text('Name', profile.gatewayName),
    interior('AppAddr', [interior('1', [text('Addr', profile.gatewayUrl), text('AddrType', 'URI')])]),
    text('AAuthPref', AUTH_TYPES[client.scheme]),
    interior('AppAuth', [authNode('1', 'CLCRED', client), authNode('2', 'SRVCRED', server)]),
  ]);
  const placed = { ...account, children: account.children.toSpliced(1, 0, leaf('ddf:Path', './DMAcc')) };
  const document = branch('ddf:MgmtTree', [leaf('ddf:VerDTD', '1.2'), placed]);
  return Buffer.from(encodeFile([document], { encoding: 'xml' })).toString();
}

/** The account as an APPLICATION characteristic of a client provisioning document. [STDOBJ 5.3.1] */
export function w7Of(profile: DeviceProfile): string {
  const { port, protocol } = new URL(profile.gatewayUrl);
  const portNumber = port || (protocol === 'https:' ? '443' : '80');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<wap-provisioningdoc version="1.1">',
    '  <characteristic type="APPLICATION">',
    ...parms('    ', { APPID: 'w7', 'PROVIDER-ID': profile.server.name, NAME: profile.gatewayName }),
    '    <characteristic type="APPADDR">',
    ...parms('      ', { ADDR: profile.gatewayUrl }),
    '      <characteristic type="PORT">',
    ...parms('        ', { PORTNBR: portNumber }),
    '      </characteristic>',
    '    </characteristic>',
    ...appAuth('APPSRV', profile.client),
    ...appAuth('CLIENT', profile.server),
    '  </characteristic>',
    '</wap-provisioningdoc>',
    '',
  ].join('\n');
}

function authNode(name: string, level: string, { scheme, name: authName, secret, nonce }: ProfileCredential): Element {
  const proof =
    scheme === 'none'
      ? []
      : [
          text('AAuthName', authName),
          text('AAuthSecret', secret),
          leafNode('AAuthData', 'ddf:b64', Buffer.from(nonce).toString('base64')),
        ];
  return interior(name, [text('AAuthLevel', level), text('AAuthType', AUTH_TYPES[scheme]), ...proof]);
}

function interior(name: string, children: readonly Element[]): Element {
  return node(name, leaf('ddf:DDFName'), children);
}

function node(name: string, type: Element, children: readonly Element[]): Element {
  const format = branch('ddf:Format', [leaf('ddf:node')]);
  const properties = branch('ddf:RTProperties', [format, branch('ddf:Type', [type])]);
  return branch('ddf:Node', [leaf('ddf:NodeName', name), properties, ...children]);
}

function text(name: string, value: string): Element {
  return leafNode(name, 'ddf:chr', value);
}

function leafNode(name: string, format: 'ddf:chr' | 'ddf:b64', value: string): Element {
  const type = branch('ddf:Type', [leaf('ddf:MIME', 'text/plain')]);
  const properties = branch('ddf:RTProperties', [branch('ddf:Format', [leaf(format)]), type]);
  return branch('ddf:Node', [leaf('ddf:NodeName', name), properties, leaf('ddf:Value', value)]);
}

function appAuth(level: 'APPSRV' | 'CLIENT', { scheme, name, secret, nonce }: ProfileCredential): readonly string[] {
  const proof = { AAUTHNAME: name, AAUTHSECRET: secret, AAUTHDATA: Buffer.from(nonce).toString('base64') };
  return [
    '    <characteristic type="APPAUTH">',
    ...parms('      ', {
      AAUTHLEVEL: level,
      AAUTHTYPE: AUTH_TYPES[scheme],
      ...(scheme === 'none' ? {} : proof),
    }),
    '    </characteristic>',
  ];
}

function parms(indent: string, values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).map(([name, value]) => `${indent}<parm name="${name}" value="${attribute(value)}"/>`);
}

function attribute(value: string): string {
  return value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
