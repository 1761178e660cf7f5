import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { deleteCommand, retryCommand } from './fanout-steer.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const PROBLEM = { status: 409, code: 'FANOUT_RUN_STATE', detail: 'run 2 is running' };

/** An API that answers everything with this; `requests` are what it was asked. */
async function apiThatAnswers(status: number, body?: object) {
  const requests: unknown[] = [];
  const api = createServer((request, response) => {
    void text(request).then((sent) => {
      requests.push([`${request.method} ${request.url}`, sent === '' ? undefined : JSON.parse(sent)]);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
    });
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  onTestFinished(() => {
    api.closeAllConnections();
    api.close();
  });
  return { requests, url: `http://127.0.0.1:${(api.address() as AddressInfo).port}` };
}

it('operator: retries with flags for what is to be otherwise, and is told of a wrong one before anything is asked', async () => {
  const { requests, url } = await apiThatAnswers(409, PROBLEM);
  const retry = (...words: string[]) => retryCommand().parseAsync(['2', ...words, '--gateway', url], { from: 'user' });
  await expect(retry('--attempts', '0')).rejects.toThrow('--attempts is 0');
  await expect(retry('--outcome', 'failed', '--attempts', '9', '--late-alert')).rejects.toThrow('run 2 is running');
  await expect(retry()).rejects.toThrow('run 2 is running');
  expect(requests).toEqual([
    ['POST /api/v1/runs/2/retry', { outcomes: ['failed'], policy: { Attempts: 9, LateAlert: true } }],
    ['POST /api/v1/runs/2/retry', {}],
  ]);
});

it('operator: deletes a run at the gateway', async () => {
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const { requests, url } = await apiThatAnswers(204);
  await deleteCommand().parseAsync(['2', '--gateway', url], { from: 'user' });
  expect(requests).toEqual([['DELETE /api/v1/runs/2', undefined]]);
  expect(stdout.mock.calls.flat().join('')).toContain('run 2 deleted');
});
