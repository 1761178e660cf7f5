import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DmError } from '../protocol/errors.ts';
import { type Api, createApi, listenApi } from './listener.ts';

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

let api: Api;
let port: number;
let problems: unknown[];
let readiness: () => Promise<void>;

beforeEach(async () => {
  problems = [];
  readiness = () => Promise.resolve();
  api = createApi({
    title: 'test',
    version: '0',
    listen: 'http://api.example:0',
    ready: () => readiness(),
    onError: (error) => problems.push(error),
  });
  const added = api;
  api.after(() => {
    added.post('/api/v1/things', { schema: { body: z.object({ name: z.string() }) } }, ({ body }) => body);
    added.get('/api/v1/things/:name', { schema: { params: z.object({ name: z.string() }) } }, ({ params }) => params);
  });
  port = Number(new URL(await listenApi(api, 'http://127.0.0.1:0')).port);
});

afterEach(() => api.close());

/** A request as it stands, with no header added but Host. */
function send(method: string, path: string, headers: OutgoingHttpHeaders = {}, body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body: text }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function expectProblem(reply: Reply, status: number, code: string): void {
  expect({ ...reply, body: JSON.parse(reply.body) as unknown }).toMatchObject({
    status,
    type: expect.stringContaining('application/problem+json') as unknown,
    body: { status, code },
  });
}

describe('requests from elsewhere', () => {
  it.each(['localhost', '127.0.0.1', '[::1]', 'api.example', 'LOCALHOST'])(
    'api: answers to the name %s',
    async (name) => {
      expect((await send('GET', '/healthz', { host: `${name}:${port}` })).status).toBe(200);
    },
  );

  it('api: refuses a name that another site had point here, and a wrong port', async () => {
    for (const host of [`evil.example:${port}`, 'evil.example', 'localhost', 'localhost:1', `localhost.:${port}`]) {
      expectProblem(await send('GET', '/api/v1/things/x', { host }), 403, 'API_FOREIGN_HOST');
    }
  });

  it('api: refuses requests of the pages of other sites, whatever they ask for', async () => {
    const type = { 'content-type': 'application/json' };
    for (const origin of ['http://evil.example', `https://127.0.0.1:${port}`, 'http://127.0.0.1:1', 'null']) {
      expectProblem(
        await send('POST', '/api/v1/things', { ...type, origin }, '{"name":"a"}'),
        403,
        'API_FOREIGN_ORIGIN',
      );
      expectProblem(await send('GET', '/nothing/here', { origin }), 403, 'API_FOREIGN_ORIGIN');
    }
    const own = { ...type, origin: `http://127.0.0.1:${port}` };
    expect(await send('POST', '/api/v1/things', own, '{"name":"a"}')).toMatchObject({ status: 200 });
  });

  it('api: takes no text/plain, which a form of any site can send', async () => {
    const reply = await send('POST', '/api/v1/things', { 'content-type': 'text/plain' }, '{"name":"a"}');
    expectProblem(reply, 415, 'API_BAD_REQUEST');
  });
});

describe('problem documents', () => {
  it('api: answers one for a URL that cannot be decoded, and for one that leads nowhere', async () => {
    expectProblem(await send('GET', '/api/v1/things/%'), 400, 'API_BAD_REQUEST');
    expectProblem(await send('GET', '/api/v1/nothing'), 404, 'API_NO_SUCH_ROUTE');
    expectProblem(await send('DELETE', '/api/v1/things/x'), 404, 'API_NO_SUCH_ROUTE');
    expect(problems).toEqual([]);
  });
});

describe('readiness', () => {
  it('api: is ready only while the role can do its work', async () => {
    expect(await send('GET', '/readyz')).toMatchObject({ status: 200, body: '{"status":"ready"}' });
    const failure = new DmError('STORE_WRITE', 'the store could not be written: there is no space left');
    readiness = () => Promise.reject(failure);
    expect(await send('GET', '/readyz')).toMatchObject({ status: 503, body: '{"status":"not ready"}' });
    expect(problems).toEqual([failure]);
    expect((await send('GET', '/healthz')).status).toBe(200);
  });
});
