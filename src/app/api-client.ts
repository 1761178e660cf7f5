import { z } from 'zod';
import { RefusedError, UnreachableError, UsageError } from './failure.ts';

const problemSchema = z.object({ status: z.number(), code: z.string(), detail: z.string() });

/** Requests to the API of a gateway or a DM Server. */
export interface ApiClient {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, schema: z.ZodType<T>, headers?: Readonly<Record<string, string>>): Promise<T>;
  put<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
  delete<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** A DELETE that is answered with nothing. */
  remove(path: string): Promise<void>;
  postNdjson<T>(path: string, lines: string, schema: z.ZodType<T>): Promise<T>;
  /** Rows of an NDJSON answer as they arrive. */
  rows<T>(path: string, schema: z.ZodType<T>): AsyncGenerator<T>;
  /** Data of the events of one name, as they arrive, until the stream ends or the signal says so. */
  events<T>(path: string, name: string, schema: z.ZodType<T>, signal: AbortSignal): AsyncGenerator<T>;
  /** An answer of this media type, in the pieces in which it arrives. */
  text(path: string, mediaType: string): AsyncGenerator<string>;
}

/** `baseUrl` is the address of the API, `http://127.0.0.1:8083`. */
export function apiClient(baseUrl: string): ApiClient {
  const origin = originOf(baseUrl);

  async function send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    headers: Record<string, string>,
    { body, signal }: { readonly body?: string; readonly signal?: AbortSignal } = {},
  ) {
    // Loaded when it is used: commands that ask no API start sooner without.
    const { request } = await import('undici');
    let response;
    try {
      response = await request(origin + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
      throw new UnreachableError('CLI_UNREACHABLE', `cannot reach the API at ${origin} (${reason}); is it running?`, {
        cause: error,
      });
    }
    if (response.statusCode < 300) return response;
    const text = await response.body.text();
    throw refusal(response.statusCode, text, `${method} ${origin}${path}`);
  }

  async function json<T>(response: Awaited<ReturnType<typeof send>>, schema: z.ZodType<T>): Promise<T> {
    const parsed = schema.safeParse(await response.body.json());
    if (parsed.success) return parsed.data;
    throw new RefusedError('CLI_FOREIGN_ANSWER', `${origin} does not answer like an API of dmgw`);
  }

  return {
    get: async (path, schema) => json(await send('GET', path, { accept: 'application/json' }), schema),
    post: async (path, body, schema, headers = {}) =>
      json(
        await send('POST', path, { 'content-type': 'application/json', ...headers }, { body: JSON.stringify(body) }),
        schema,
      ),
    put: async (path, body, schema) =>
      json(await send('PUT', path, { 'content-type': 'application/json' }, { body: JSON.stringify(body) }), schema),
    delete: async (path, schema) => json(await send('DELETE', path, { accept: 'application/json' }), schema),
    async remove(path) {
      await (await send('DELETE', path, { accept: 'application/json' })).body.dump();
    },
    postNdjson: async (path, lines, schema) =>
      json(await send('POST', path, { 'content-type': 'application/x-ndjson' }, { body: lines }), schema),
    async *rows(path, schema) {
      const { body } = await send('GET', path, { accept: 'application/x-ndjson' });
      for await (const line of linesOf(pieces(body))) if (line !== '') yield schema.parse(JSON.parse(line));
    },
    async *events(path, name, schema, signal) {
      try {
        const { body } = await send('GET', path, { accept: 'text/event-stream' }, { signal });
        let event = '';
        for await (const line of linesOf(pieces(body))) {
          if (line.startsWith('event: ')) event = line.slice('event: '.length);
          else if (line.startsWith('data: ') && event === name) {
            yield schema.parse(JSON.parse(line.slice('data: '.length)));
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    async *text(path, mediaType) {
      yield* pieces((await send('GET', path, { accept: mediaType })).body);
    },
  };

  /** Text as it arrives. */
  async function* pieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new UnreachableError('CLI_UNREACHABLE', `the API at ${origin} broke its answer off`, { cause: error });
    }
  }
}

async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function originOf(baseUrl: string): string {
  try {
    const url = new URL(baseUrl);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin;
  } catch {
    // The message below covers both.
  }
  throw new UsageError(`${baseUrl} is no http URL of an API, like http://127.0.0.1:8083`);
}

function refusal(status: number, text: string, what: string): RefusedError {
  try {
    const problem = problemSchema.parse(JSON.parse(text));
    return new RefusedError(problem.code, `refused with ${problem.status}: ${problem.detail}`);
  } catch {
    return new RefusedError('CLI_HTTP_STATUS', `${what} answered ${status}`);
  }
}
