import type { Command, Message, SyncHdr } from '../protocol/message/message.ts';
import { ALERT } from '../protocol/message/codes.ts';
import type { DmRequest } from './client-session.ts';
import type { HandledMessage } from './closed-sessions.ts';
import type { Arrival } from './session-table.ts';

/** Longest ids of a client that is given a session: they are kept as long as it lasts, and come back in every Status. */
const MAX_LENGTHS = { sourceLocUri: 1024, sessionId: 64, msgId: 32, cmdId: 64 } as const;
/** Commands of one message of a client: each gets a Status, though it may be anybody's. */
const MAX_COMMANDS = 10_000;
/** Parameter of a RespURI that leads to its session. */
const TOKEN_PARAMETER = 's';

/** Why a message is not handled at all; undefined: it is. */
export function whyTooLong({ hdr, body }: Message): string | undefined {
  if (hdr.source.locUri.length > MAX_LENGTHS.sourceLocUri) return 'SESSION_ID: Source LocURI is too long';
  if (hdr.sessionId.length > MAX_LENGTHS.sessionId) return 'SESSION_ID: SessionID is too long';
  if (hdr.msgId.length > MAX_LENGTHS.msgId) return 'SESSION_ID: MsgID is too long';
  if (body.length > MAX_COMMANDS) return `SESSION_LIMIT: a message holds at most ${MAX_COMMANDS} commands`;
  const isLong = body.some(({ cmdId }) => cmdId.length > MAX_LENGTHS.cmdId);
  return isLong ? 'SESSION_ID: a CmdID is too long' : undefined;
}

/** What a message is found its session by. [DMPROTO 8] */
export function arrivalOf({ hdr, body }: Message, { url, from }: Pick<DmRequest, 'url' | 'from'>): Arrival {
  const query = url.indexOf('?');
  const token = query < 0 ? undefined : new URLSearchParams(url.slice(query)).get(TOKEN_PARAMETER);
  return {
    key: `${hdr.sessionId.length}:${hdr.sessionId}${hdr.source.locUri}`,
    msgId: hdr.msgId,
    token: token ?? undefined,
    from,
    isBeginning: body.some(isManagementAlert),
  };
}

/** What stands before and behind the token in a RespURI; undefined where there is to be none. */
type RespUri = readonly [before: string, behind: string] | undefined;

/** By the URL that clients come to: nearly all come to the same. */
const respUris = new Map<string, RespUri>();
const MAX_RESP_URIS = 64;
const MAX_REMEMBERED_LENGTH = 512;

/**
 * Where the further messages of a session go: to the URL the client came to, as it calls it itself, with the session's
 * token. Undefined where it calls it by no URL. [REPPRO 5]
 */
export function respUriFor({ target: { locUri } }: SyncHdr, token: string): string | undefined {
  let respUri = respUris.get(locUri);
  if (respUri === undefined && !respUris.has(locUri)) {
    respUri = newRespUri(locUri, token);
    if (respUris.size >= MAX_RESP_URIS) respUris.clear();
    if (locUri.length <= MAX_REMEMBERED_LENGTH) respUris.set(ownCopy(locUri), respUri);
  }
  return respUri && `${respUri[0]}${token}${respUri[1]}`;
}

function newRespUri(locUri: string, token: string): RespUri {
  const url = URL.canParse(locUri) ? new URL(locUri) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  url.hash = '';
  url.searchParams.set(TOKEN_PARAMETER, token);
  const at = url.search.lastIndexOf(`${TOKEN_PARAMETER}=${token}`) + TOKEN_PARAMETER.length + 1;
  const before = url.href.length - url.search.length + at;
  return [url.href.slice(0, before), url.href.slice(before + token.length)];
}

/** The message that was handled last, when this is it, sent again. */
export function repeatOf(
  last: HandledMessage | undefined,
  { message, bodyDigest }: { readonly message: Message; readonly bodyDigest: string },
): HandledMessage | undefined {
  return last?.msgId === message.hdr.msgId && last.bodyDigest === bodyDigest ? last : undefined;
}

function isManagementAlert(command: Command): boolean {
  if (command.kind !== 'Alert') return false;
  return command.code === ALERT.serverInitiatedMgmt || command.code === ALERT.clientInitiatedMgmt;
}

/** The name a client gives itself: in basic credentials, else beside its Source. [SEC 5] */
export function userNameOf({ source, cred }: SyncHdr): string | undefined {
  if (cred?.meta?.type?.toLowerCase() !== 'syncml:auth-basic') return source.locName;
  const [userName] = Buffer.from(cred.data, 'base64').toString().split(':', 1);
  return userName;
}

/** The same text in memory of its own: a part of a decoded message would keep all of its body alive. */
export function ownCopy(text: string): string {
  return Buffer.from(text).toString();
}
