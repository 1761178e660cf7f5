import type { Encoding } from '../../protocol/codec.ts';

/** What a raw device reads in a message of its server; texts hold one octet in each character. */
export interface ServerMessage {
  readonly msgId: string;
  /** Where the session goes on; undefined: where it began. */
  readonly respUri: string | undefined;
  /** Data of the credentials in the SyncHdr. */
  readonly cred: string | undefined;
  /** Status of our SyncHdr. */
  readonly status: number;
  /** NextNonce of the challenge in that Status, base64. */
  readonly nextNonce: string | undefined;
  /** All behind the last Status: the commands, the same octets for every device of a run. */
  readonly commands: string;
}

/** How the elements that are looked for begin and end in an encoding. */
interface Marks {
  readonly msgId: string;
  readonly respUri: string;
  readonly cred: string;
  readonly status: string;
  readonly nextNonce: string;
  readonly data: string;
  readonly endOfText: string;
}

/**
 * The octets our own encoders write. Those of WBXML are tags with content and the token of an inline string, which no
 * text holds.
 */
const MARKS: Readonly<Record<Encoding, Marks>> = {
  xml: {
    msgId: '<MsgID>',
    respUri: '<RespURI>',
    cred: '<Cred>',
    status: '<Status>',
    nextNonce: '<NextNonce xmlns="syncml:metinf">',
    data: '<Data>',
    endOfText: '<',
  },
  wbxml: {
    msgId: '\x5b\x03',
    respUri: '\x61\x03',
    // Cred begins with Meta, a Status with its CmdID.
    cred: '\x4e\x5a',
    status: '\x69\x4b\x03',
    nextNonce: '\x50\x03',
    data: '\x4f\x03',
    endOfText: '\0',
  },
};

/** Finds in a message of our own gateway what a device must know; undefined: it is no such message. */
export function readServerMessage(body: string, encoding: Encoding): ServerMessage | undefined {
  const marks = MARKS[encoding];
  const msgId = textAfter(body, marks.msgId, 0, marks);
  const firstStatus = body.indexOf(marks.status);
  if (msgId === undefined || firstStatus < 0) return undefined;
  const status = textAfter(body, marks.data, firstStatus, marks);
  if (status === undefined) return undefined;
  const respUri = body.indexOf(marks.respUri);
  const cred = body.indexOf(marks.cred);
  const nextNonce = body.indexOf(marks.nextNonce, firstStatus);
  let last = firstStatus;
  for (let next = firstStatus; next >= 0; next = body.indexOf(marks.status, next + 1)) last = next;
  const code = textAfter(body, marks.data, last, marks);
  return {
    msgId: msgId.text,
    respUri: respUri < 0 || respUri > firstStatus ? undefined : textAfter(body, marks.respUri, respUri, marks)?.text,
    cred: cred < 0 || cred > firstStatus ? undefined : textAfter(body, marks.data, cred, marks)?.text,
    status: Number(status.text),
    nextNonce: nextNonce < 0 ? undefined : textAfter(body, marks.nextNonce, nextNonce, marks)?.text,
    commands: body.slice(code?.end),
  };
}

function textAfter(
  body: string,
  mark: string,
  from: number,
  { endOfText }: Marks,
): { readonly text: string; readonly end: number } | undefined {
  const found = body.indexOf(mark, from);
  const start = found + mark.length;
  const end = found < 0 ? -1 : body.indexOf(endOfText, start);
  return end < 0 ? undefined : { text: body.slice(start, end), end };
}
