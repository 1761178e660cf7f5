import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ManagementObject } from '../../src/device/device.ts';
import type { RequestCommand } from '../../src/protocol/message/message.ts';
import { type DmListener, listenDm } from '../../src/transport/http-listener.ts';
import { ACCOUNT, device, server } from './dm-server.ts';
import { runLamp } from './lamp.ts';

const item = (locUri: string, data?: string) => ({ target: { locUri }, data });
const COMMANDS: readonly RequestCommand[] = [
  { kind: 'Get', cmdId: 'a', items: [item('./Lamp/State')] },
  { kind: 'Exec', cmdId: 'b', items: [item('./Lamp/Toggle')] },
  { kind: 'Get', cmdId: 'c', items: [item('./Lamp/State')] },
  { kind: 'Replace', cmdId: 'd', items: [item('./Lamp/Name', 'desk')] },
  { kind: 'Get', cmdId: 'e', items: [item('./Lamp/Name?prop=VerNo')] },
  { kind: 'Replace', cmdId: 'f', items: [item('./Lamp/State', 'off')] },
];

const asked = server(COMMANDS);
let listener: DmListener;

beforeEach(async () => {
  listener = await listenDm({
    maxBodyBytes: 100_000,
    host: '127.0.0.1',
    port: 0,
    path: '/dm',
    handle: (request) => asked.sessions.handle(request),
  });
});

afterEach(() => listener.close());

it('device: answers for an object that its builder has mounted, as the page about it shows', async () => {
  const page = readFileSync(new URL('../../docs/own-objects.md', import.meta.url), 'utf8');
  const example = readFileSync(new URL('lamp.ts', import.meta.url), 'utf8');
  expect(page).toContain(example.replace('../../src/device/device.ts', 'oma-dm-gateway/device'));

  const lamp = { isOn: false };
  expect((await runLamp(lamp, ACCOUNT, listener.url)).outcome).toEqual({ kind: 'completed' });
  expect(lamp.isOn).toBe(true);
  expect(asked.answers.map((answer) => (answer.kind === 'Status' ? answer.code : answer.items[0]?.data))).toEqual([
    200,
    'off',
    200,
    200,
    'on',
    200,
    200,
    '1',
    405,
  ]);
});

it('device: refuses an object where another stands', () => {
  const object = { root: ['DevInfo'] } as unknown as ManagementObject;
  expect(() => device({ objects: [object] })).toThrow(expect.objectContaining({ code: 'TREE_MOUNT' }));
});
