import type { Api } from './listener.ts';

/** Metrics as Prometheus reads them. */
export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
}

/** `/metrics`, for both roles. */
export function addMetricsRoute(api: Api, metrics: MetricsSource): void {
  api.after(() => {
    api.get('/metrics', { schema: { summary: 'Metrics in the text format of Prometheus' } }, async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text()),
    );
  });
}
