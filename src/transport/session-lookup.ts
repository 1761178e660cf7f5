import type { Message, SyncHdr } from '../protocol/message/message.ts';
import { ALERT } from '../protocol/message/codes.ts';
import type { HandledMessage } from './closed-sessions.ts';

/** Longest Source LocURI and SessionID of a client that is given a session: they are kept as long as it lasts. */
const MAX_SOURCE_LENGTH = 1024;
const MAX_SESSION_ID_LENGTH = 64;

/** What a session is found by: SessionID and Source LocURI. Undefined when one of them is too long to be kept. [DMPROTO 8] */
export function sessionKey({ sessionId, source }: SyncHdr): string | undefined {
  if (sessionId.length > MAX_SESSION_ID_LENGTH || source.locUri.length > MAX_SOURCE_LENGTH) return undefined;
  return `${sessionId.length}:${sessionId}${source.locUri}`;
}

/** The message that was handled last, when this is it, sent again. */
export function repeatOf(
  last: HandledMessage | undefined,
  { message, bodyDigest }: { readonly message: Message; readonly bodyDigest: string },
): HandledMessage | undefined {
  return last?.msgId === message.hdr.msgId && last.bodyDigest === bodyDigest ? last : undefined;
}

/** Whether a client that lost its session, by a reboot say, begins another one under the same SessionID. */
export function beginsAnew({ hdr, body }: Message, firstMsgId: string): boolean {
  return (
    hdr.msgId === firstMsgId &&
    body.some(
      (command) =>
        command.kind === 'Alert' &&
        (command.code === ALERT.serverInitiatedMgmt || command.code === ALERT.clientInitiatedMgmt),
    )
  );
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
