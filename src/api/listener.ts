import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { DmError } from '../protocol/errors.ts';
import { problemOf } from './problem.ts';

/** An API before it listens; routes are added to it. */
export type Api = ReturnType<typeof createApi>;

export interface ApiSetup {
  /** Shown as title in the OpenAPI document. */
  readonly title: string;
  readonly version: string;
  /** Whether the role can do its work: for `/readyz`. */
  readonly ready: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** The shell that the APIs of all roles share: validation, problem documents, OpenAPI, health. [RFC 9457] */
export function createApi(setup: ApiSetup) {
  const app = Fastify({ bodyLimit: 16 * 1024 * 1024, forceCloseConnections: true }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request.url);
    if (problem.status >= 500) setup.onError(error);
    return reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  });
  app.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .type('application/problem+json')
      .send(
        JSON.stringify({
          type: 'about:blank',
          title: 'Not Found',
          status: 404,
          code: 'API_NO_SUCH_ROUTE',
          detail: `there is no ${request.method} ${request.url.split('?')[0] ?? ''}`,
          instance: request.url,
        }),
      ),
  );
  app.addContentTypeParser('application/x-ndjson', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  void app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: setup.title, version: setup.version } },
    transform: jsonSchemaTransform,
  });
  app.after(() => {
    app.get('/healthz', { schema: { summary: 'The process answers' } }, () => ({ status: 'ok' }));
    app.get('/readyz', { schema: { summary: 'The role can do its work' } }, (_request, reply) =>
      reply.status(setup.ready() ? 200 : 503).send({ status: setup.ready() ? 'ready' : 'not ready' }),
    );
    app.get('/version', { schema: { summary: 'What runs here' } }, () => ({
      name: setup.title,
      version: setup.version,
    }));
    app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
  });
  return app;
}

/** Listens; answers the URL of the API. Throws `DmError` API_PORT_IN_USE. */
export async function listenApi(app: FastifyInstance, listen: string): Promise<string> {
  const { hostname, port } = new URL(listen);
  const host = hostname.replace(/^\[|\]$/g, '');
  try {
    return await app.listen({ host, port: port === '' ? 80 : Number(port) });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new DmError('API_PORT_IN_USE', `api.listen: ${hostname}:${port} is in use; choose another port or 0`, {
        cause: error,
      });
    }
    throw error;
  }
}
