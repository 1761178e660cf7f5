import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { DmError } from '../protocol/errors.ts';
import { checkOwnSite } from './own-site.ts';
import { type Problem, problemOf } from './problem.ts';

/** An API before it listens; routes are added to it. */
export type Api = ReturnType<typeof createApi>;

interface ApiSetup {
  /** Shown as title in the OpenAPI document. */
  readonly title: string;
  readonly version: string;
  /** The configured address, `http://HOST:PORT`. */
  readonly listen: string;
  /** Rejects while the role cannot do its work: for `/readyz`. */
  readonly ready: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** The shell that the APIs of all roles share: validation, problem documents, OpenAPI, health. [RFC 9457] */
export function createApi(setup: ApiSetup) {
  const { hostname } = new URL(setup.listen);
  const app = Fastify({
    bodyLimit: 16 * 1024 * 1024,
    forceCloseConnections: true,
    // For a URL that cannot be decoded: no route and no error handler is asked.
    frameworkErrors: (error, request, reply) => void sendProblem(reply, problemOf(error, request.url)),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.addHook('onRequest', (request, _reply, done) => {
    checkOwnSite(request.raw, hostname);
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request.url);
    if (problem.status >= 500) setup.onError(error);
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'API_NO_SUCH_ROUTE',
      detail: `there is no ${request.method} ${request.url.split('?')[0] ?? ''}`,
      instance: request.url,
    }),
  );
  // A form of any site can send text/plain without asking.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/x-ndjson', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  void app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: setup.title, version: setup.version } },
    transform: jsonSchemaTransform,
  });
  app.after(() => {
    app.get('/healthz', { schema: { summary: 'The process answers' } }, () => ({ status: 'ok' }));
    app.get('/readyz', { schema: { summary: 'The role can do its work' } }, async (_request, reply) => {
      try {
        await setup.ready();
        return await reply.send({ status: 'ready' });
      } catch (error) {
        setup.onError(error);
        return reply.status(503).send({ status: 'not ready' });
      }
    });
    app.get('/version', { schema: { summary: 'What runs here' } }, () => ({
      name: setup.title,
      version: setup.version,
    }));
    app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
  });
  return app;
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
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
