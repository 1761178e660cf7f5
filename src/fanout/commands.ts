import { commandsFromElements, decodeFile, type Encoding } from '../protocol/codec.ts';
import { childOf, type Element, leaf } from '../protocol/element.ts';
import { DecodeError, StatusError } from '../protocol/errors.ts';
import { ALERT, STATUS } from '../protocol/message/codes.ts';
import type { Command, Data, RequestCommand } from '../protocol/message/message.ts';
import { decodeSyncBody, encodeSyncBody } from './sync-body.ts';

/** Media types that leave it to the content what it is. */
const OPEN_TYPES = ['', 'text/plain', 'text/xml', 'application/xml'];
const SYNCML_TYPES: Readonly<Record<string, Encoding>> = {
  'application/vnd.syncml.dm+xml': 'xml',
  'application/vnd.syncml.dm+wbxml': 'wbxml',
  'application/vnd.syncml+xml': 'xml',
  'application/vnd.syncml+wbxml': 'wbxml',
};

const CONTAINERS: readonly string[] = ['Atomic', 'Sequence'];
const COMMANDS: readonly string[] = ['Add', 'Replace', 'Delete', 'Copy', 'Get', 'Exec', 'Alert', ...CONTAINERS];
/** Children of a container that are no commands. */
const CONTAINER_FIELDS: readonly string[] = ['CmdID', 'NoResp', 'Meta'];

/**
 * The commands of ToBeFannedOut: bare, in a SyncBody or in a whole SyncML, in XML or WBXML. Each has a CmdID when they
 * come out: a missing one is the lowest free number. Throws `StatusError` 400, 406, 413 or 415; the message names the
 * element and its offset. [FANOUT 4]
 */
export function parseCommands(data: Data, type: string | undefined): readonly RequestCommand[] {
  const announced = encodingOf(type);
  try {
    const { elements, encoding } = decodeFile(typeof data === 'string' ? Buffer.from(data) : data);
    if (announced !== undefined && announced !== encoding) {
      throw refusal(STATUS.badRequest, 'FANOUT_ENCODING', `Type says ${announced}, the value is ${encoding}`);
    }
    const commands = elements.flatMap(unwrap);
    const cmdIds = new Set<string>();
    checkCommands(commands, cmdIds);
    return commandsFromElements(numbered(commands, freeNumbers(cmdIds))).filter(isRequest);
  } catch (error) {
    throw error instanceof DecodeError ? refusalOf(error) : error;
  }
}

/** The commands as the one text in which a run keeps them. */
export function commandsToSyncBody(commands: readonly RequestCommand[]): string {
  return encodeSyncBody(commands);
}

/** The commands a run keeps. */
export function commandsFromSyncBody(syncBody: string): readonly RequestCommand[] {
  return decodeSyncBody(syncBody).filter(isRequest);
}

function isRequest(command: Command): command is RequestCommand {
  return command.kind !== 'Status' && command.kind !== 'Results';
}

/** What the Type says; undefined leaves it to the content. */
function encodingOf(type: string | undefined): Encoding | undefined {
  const mediaType = type?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (OPEN_TYPES.includes(mediaType)) return undefined;
  const encoding = SYNCML_TYPES[mediaType];
  if (encoding) return encoding;
  const allowed = [...OPEN_TYPES.slice(1), ...Object.keys(SYNCML_TYPES)];
  throw refusal(STATUS.unsupportedType, 'FANOUT_TYPE', `Type is ${mediaType}; allowed are none, ${allowed.join(', ')}`);
}

function refusalOf(error: DecodeError): StatusError {
  const status = error.code.endsWith('_LIMIT')
    ? STATUS.tooLarge
    : error.code.endsWith('_ELEMENT')
      ? STATUS.featureNotSupported
      : STATUS.badRequest;
  const place = error.position ? `, byte ${error.offset}` : '';
  return new StatusError(status, 'FANOUT_COMMANDS', `ToBeFannedOut: ${error.message}${place}`, { cause: error });
}

/** SyncHdr and Final say nothing about what is to be done. */
function unwrap(element: Element): readonly Element[] {
  if (element.name === 'SyncML' || element.name === 'SyncBody') return element.children.flatMap(unwrap);
  return element.name === 'SyncHdr' || element.name === 'Final' ? [] : [element];
}

/** Refuses what is no command for devices and collects the CmdIDs, nested ones included. */
function checkCommands(elements: readonly Element[], cmdIds: Set<string>, container?: Element): void {
  if (elements.length === 0) {
    throw refusal(
      STATUS.badRequest,
      'FANOUT_NO_COMMANDS',
      `there is no command${container ? ` in ${at(container)}` : ''}`,
    );
  }
  for (const element of elements) {
    if (!COMMANDS.includes(element.name)) {
      throw refusal(STATUS.featureNotSupported, 'FANOUT_ELEMENT', `${at(element)} is none of ${COMMANDS.join(', ')}`);
    }
    checkCmdId(element, cmdIds);
    if (element.name === 'Alert') checkAlert(element);
    else if (CONTAINERS.includes(element.name)) checkCommands(nestedIn(element), cmdIds, element);
    else if (!childOf(element, 'Item')) throw refusal(STATUS.badRequest, 'FANOUT_ITEM', `${at(element)} has no Item`);
  }
}

function checkAlert(alert: Element): void {
  const text = textOf(alert, 'Data') ?? '';
  const code = Number(text);
  if (Number.isInteger(code) && code >= ALERT.display && code <= ALERT.multipleChoice) return;
  throw refusal(
    STATUS.featureNotSupported,
    'FANOUT_ALERT',
    `${at(alert)} has code "${text}"; allowed are ${ALERT.display} to ${ALERT.multipleChoice}`,
  );
}

function checkCmdId(element: Element, cmdIds: Set<string>): void {
  const cmdId = textOf(element, 'CmdID');
  if (cmdId === undefined) return;
  if (cmdId === '' || cmdId === '0') {
    throw refusal(STATUS.badRequest, 'FANOUT_CMD_ID', `${at(element)} has CmdID "${cmdId}"; allowed is any text but 0`);
  }
  if (cmdIds.has(cmdId)) {
    throw refusal(
      STATUS.badRequest,
      'FANOUT_CMD_ID',
      `${at(element)} has CmdID "${cmdId}", as a command before it has`,
    );
  }
  cmdIds.add(cmdId);
}

function nestedIn(container: Element): readonly Element[] {
  return container.children.filter(({ name }) => !CONTAINER_FIELDS.includes(name));
}

function* freeNumbers(taken: ReadonlySet<string>): Generator<string, never> {
  for (let number = 1; ; number += 1) if (!taken.has(String(number))) yield String(number);
}

function numbered(elements: readonly Element[], numbers: Iterator<string, never>): readonly Element[] {
  return elements.map((element) => {
    if (!COMMANDS.includes(element.name)) return element;
    const cmdId = childOf(element, 'CmdID') ? [] : [leaf('CmdID', numbers.next().value)];
    const children = CONTAINERS.includes(element.name) ? numbered(element.children, numbers) : element.children;
    return { ...element, children: [...cmdId, ...children] };
  });
}

function textOf(element: Element, name: 'CmdID' | 'Data'): string | undefined {
  return childOf(element, name)?.text.toString();
}

function at({ name, offset }: Element): string {
  return `${name} at byte ${offset}`;
}

function refusal(status: number, code: string, message: string): StatusError {
  return new StatusError(status, code, `ToBeFannedOut: ${message}`);
}
