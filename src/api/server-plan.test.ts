import { expect, it } from 'vitest';
import { serverPlanShape } from './server-plan.ts';

it('server: shows a plan that was told by nodes as a gateway shows its own', () => {
  const values = {
    ...{ Targets: '25', Sendable: '23', Polling: '1', XmlBytes: '900', WbxmlBytes: '400', Waves: '3' },
    ...{ NoAccount: '1', OverMaxMsgSize: '1', OverMaxObjSize: '0', ExpectedSeconds: '12' },
    Hindered: 'urn:dev:demo:1: no account\nurn:dev:demo:2: a command of 9 bytes is larger than its MaxMsgSize 5',
  };
  expect(serverPlanShape(values)).toEqual({
    targets: 25,
    sendable: 23,
    polling: 1,
    packageBytes: { xml: 900, wbxml: 400 },
    hindered: { 'no-account': 1, MaxMsgSize: 1, MaxObjSize: 0 },
    hinderedMembers: [
      { deviceId: 'urn:dev:demo:1', why: 'no account' },
      { deviceId: 'urn:dev:demo:2', why: 'a command of 9 bytes is larger than its MaxMsgSize 5' },
    ],
    waves: 3,
    expectedMs: 12_000,
  });
  expect(serverPlanShape({ Targets: 'many' })).toMatchObject({ targets: null, hinderedMembers: [], expectedMs: null });
});
