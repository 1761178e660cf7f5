import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { deviceCommand } from './device.ts';

const ENROLLED = {
  deviceId: 'urn:dev:1',
  gatewayUrl: 'http://gw.test/dm',
  graceUntil: '2026-01-02T00:00:00.000Z',
  dmAcc: '<MgmtTree/>',
  w7: '<wap-provisioningdoc/>',
};

let api: Server;
let gateway: string;
let answered: unknown;
const requests: { readonly what: string; readonly body: unknown }[] = [];
let stdout: string;

beforeEach(async () => {
  requests.length = 0;
  stdout = '';
  answered = ENROLLED;
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  api = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ what: `${request.method} ${request.url}`, body: body === '' ? undefined : JSON.parse(body) });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answered));
    });
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  gateway = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
});

afterEach(() => {
  vi.restoreAllMocks();
  api.closeAllConnections();
  api.close();
});

async function device(...words: readonly string[]): Promise<void> {
  await deviceCommand().parseAsync([...words, '--gateway', gateway], { from: 'user' });
}

it('cli: device bootstrap makes an account and shows both documents', async () => {
  await device('bootstrap', 'urn:dev:1', '--create', '--notify', 'udp://10.0.0.7:2948', '--max-msg-bytes', '4096');
  expect(requests).toEqual([
    {
      what: 'POST /api/v1/devices/urn%3Adev%3A1/bootstrap',
      body: { create: { notify: 'udp://10.0.0.7:2948', maxMsgBytes: 4096 } },
    },
  ]);
  expect(stdout).toContain(`DMAcc (TNDS):\n${ENROLLED.dmAcc}\n`);
  expect(stdout).toContain(`w7 profile:\n${ENROLLED.w7}\n`);
  expect(stdout).toContain(ENROLLED.graceUntil);
});

it('cli: device bootstrap does not take the options of an account without --create', async () => {
  await expect(device('bootstrap', 'urn:dev:1', '--notify', 'udp://10.0.0.7:2948')).rejects.toThrow(/needs --create/);
  expect(requests).toEqual([]);
});

it('cli: device rotate answers JSON', async () => {
  await device('rotate', 'urn:dev:1', '--grace', '60', '--gateway-url', 'http://gw.test/dm', '--json');
  expect(requests).toEqual([
    {
      what: 'POST /api/v1/devices/urn%3Adev%3A1/rotate',
      body: { graceS: 60, gatewayUrl: 'http://gw.test/dm' },
    },
  ]);
  expect(JSON.parse(stdout)).toEqual(ENROLLED);
});

it('cli: device remove says what became of the account', async () => {
  answered = { deviceId: 'urn:dev:1', purged: true, unreachable: 2 };
  await device('remove', 'urn:dev:1', '--purge');
  expect(requests).toEqual([{ what: 'DELETE /api/v1/devices/urn%3Adev%3A1?purge=true', body: undefined }]);
  expect(stdout).toBe('device urn:dev:1 removed; unreachable in 2 runs\n');
});
