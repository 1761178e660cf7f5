import { ALERT, STATUS } from '../message/codes.ts';
import type { AlertCommand, Command, Item } from '../message/message.ts';

/** Status for what the application is not asked about. [DMPROTO 8.7] */
export function ownStatus(request: Command): number {
  if (request.kind === 'Replace') return STATUS.ok;
  if (request.kind !== 'Alert') return STATUS.featureNotSupported;
  switch (request.code) {
    case undefined:
      return STATUS.incompleteCommand;
    case ALERT.serverInitiatedMgmt:
    case ALERT.clientInitiatedMgmt:
    case ALERT.nextMessage:
    case ALERT.sessionAbort:
    case ALERT.noEndOfData:
      return STATUS.ok;
    default:
      return STATUS.featureNotSupported;
  }
}

export function isForApplication(request: Command): request is AlertCommand {
  return request.kind === 'Alert' && (request.code === ALERT.generic || request.code === ALERT.clientEvent);
}

export function isManagementAlert({ code }: AlertCommand): boolean {
  return code === ALERT.serverInitiatedMgmt || code === ALERT.clientInitiatedMgmt;
}

/** Items of a Replace, which is how a client tells its DevInfo. Some name the node as Target. [DMPROTO 8.3] */
export function devInfoIn(requests: readonly Command[]): readonly Item[] {
  const found: Item[] = [];
  for (const request of requests) {
    if (request.kind !== 'Replace') continue;
    for (const item of request.items) found.push(item.source ? item : { ...item, source: item.target });
  }
  return found;
}
