import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { groupCommand } from './group.ts';

let api: Server;
let url: string;
let answers: unknown[];
const requests: { readonly what: string; readonly body: unknown }[] = [];
let stdout: string;

beforeEach(async () => {
  requests.length = 0;
  stdout = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  api = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ what: `${request.method} ${request.url}`, body: body === '' ? undefined : JSON.parse(body) });
      response.setHeader('content-type', 'application/json');
      const answer = answers.shift();
      if (answer === undefined) response.statusCode = 204;
      response.end(answer === undefined ? undefined : JSON.stringify(answer));
    });
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
});

afterEach(() => {
  vi.restoreAllMocks();
  api.closeAllConnections();
  api.close();
});

async function group(...words: readonly string[]): Promise<void> {
  await groupCommand().parseAsync([...words], { from: 'user' });
}

it('operator: makes a group of other groups and a filter, at the gateway or through the DM Server', async () => {
  answers = [
    { group: 'all', members: 2 },
    { id: 7, state: 'complete' },
  ];
  const words = ['create', 'all', '--group-ref', 'a', 'b', '--filter', 'Man = "x"'];
  await group(...words, '--gateway', url);
  await group(...words, '--server', url, '--gateway-id', 'gw');
  const ordered = { group: 'all', members: [], groupRefs: ['a', 'b'], filter: 'Man = "x"' };
  expect(requests).toEqual([
    { what: 'POST /api/v1/groups', body: ordered },
    { what: 'POST /api/v1/groups', body: { ...ordered, gatewayId: 'gw' } },
  ]);
  expect(stdout).toBe('group all created with 2 members\n'.repeat(2));
});

it('operator: adds a device or a group to a group', async () => {
  answers = [
    { name: '3', deviceId: 'urn:dev:1', groupRef: null },
    { name: '4', deviceId: null, groupRef: 'b' },
  ];
  await group('member', 'add', 'a/b', '--device', 'urn:dev:1', '--gateway', url);
  await group('member', 'add', 'a', '--group-ref', 'b', '--gateway', url);
  expect(requests).toEqual([
    { what: 'POST /api/v1/groups/a%2Fb/members', body: { deviceId: 'urn:dev:1' } },
    { what: 'POST /api/v1/groups/a/members', body: { groupRef: 'b' } },
  ]);
  expect(stdout).toBe('member 3 added to group a/b\nmember 4 added to group a\n');
});

it('operator: takes a member, the filter and a whole group away', async () => {
  answers = [undefined, { group: 'a/b', filter: 'Man = "x"' }, { group: 'a/b', filter: null }, undefined];
  await group('member', 'remove', 'a/b', '3/4', '--gateway', url);
  await group('filter', 'a/b', 'Man = "x"', '--gateway', url);
  await group('filter', 'a/b', '--none', '--gateway', url);
  await group('remove', 'a/b', '--gateway', url);
  expect(requests).toEqual([
    { what: 'DELETE /api/v1/groups/a%2Fb/members/3%2F4', body: undefined },
    { what: 'PUT /api/v1/groups/a%2Fb/filter', body: { filter: 'Man = "x"' } },
    { what: 'PUT /api/v1/groups/a%2Fb/filter', body: { filter: null } },
    { what: 'DELETE /api/v1/groups/a%2Fb', body: undefined },
  ]);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'member 3/4 removed from group a/b',
    'filter of group a/b set',
    'group a/b has no filter',
    'group a/b removed',
  ]);
});

it('operator: sees filter and members of a group, and the devices it comes down to', async () => {
  answers = [
    {
      group: 'a',
      filter: 'Man = "x"',
      memberCount: 2,
      members: [
        { name: '1', deviceId: 'urn:dev:1', groupRef: null },
        { name: '2', deviceId: null, groupRef: 'b' },
      ],
    },
    { group: 'a', resolvedCount: 1, members: [{ n: 1, deviceId: 'urn:dev:1', account: 'none' }] },
  ];
  await group('show', 'a', '--gateway', url);
  await group('show', 'a', '--resolved', '--gateway', url);
  expect(requests.map(({ what }) => what)).toEqual([
    'GET /api/v1/groups/a?limit=1000',
    'GET /api/v1/groups/a/resolved?limit=1000',
  ]);
  expect(stdout.split('\n')).toEqual([
    'filter: Man = "x"',
    'MEMBER  DEVICE     GROUP',
    '1       urn:dev:1  -',
    '2       -          b',
    'N  DEVICE     ACCOUNT',
    '1  urn:dev:1  none',
    '',
  ]);
});

it.each([
  [['create', 'a'], /say who is in the group/],
  [['filter', 'a'], /either a filter or --none/],
  [['filter', 'a', 'Man = "x"', '--none'], /either a filter or --none/],
  [['member', 'add', 'a'], /either --device ID or --group-ref GROUP/],
  [['member', 'add', 'a', '--device', 'd', '--group-ref', 'g'], /either --device ID or --group-ref GROUP/],
])('operator: is told what %j lacks, and nothing is asked of the gateway', async (words, message) => {
  await expect(group(...words, '--gateway', url)).rejects.toThrow(message);
  expect(requests).toEqual([]);
});
