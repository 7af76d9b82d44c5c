import { DomainError, httpStatusOf, isOurs } from '@portico/errors';
import type { Logger } from '@portico/telemetry';
import { type FastifyInstance, fastify } from 'fastify';

/** An HTTP API that runs; disposing it lets requests end within `graceMs`, then cuts them. */
export interface HttpServer extends AsyncDisposable {
  readonly port: number;
}

export interface ServeHttpOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly log: Logger;
  /** Longest body in bytes; default 5 GiB. */
  readonly bodyBytesMax?: number;
  /** Default 2 s. */
  readonly graceMs?: number;
  readonly routes: (http: FastifyInstance) => void;
}

const BODY_BYTES_MAX = 5 * 1024 ** 3;

/** Serves an API; errors become their status and one sentence. */
export async function serveHttp({
  host,
  port,
  log,
  bodyBytesMax = BODY_BYTES_MAX,
  graceMs = 2_000,
  routes,
}: ServeHttpOptions): Promise<HttpServer> {
  const http = fastify({ bodyLimit: bodyBytesMax, forceCloseConnections: 'idle' });
  http.setErrorHandler((reason, request, reply) => {
    const status = (reason as { statusCode?: number }).statusCode;
    if (status !== undefined && status < 500)
      return reply
        .code(status)
        .type('text/plain')
        .send(String((reason as Error).message));
    const error = DomainError.from(reason);
    if (isOurs[error.kind]) log.error({ err: error, url: request.routeOptions.url }, error.message);
    return reply.code(httpStatusOf[error.kind]).type('text/plain').send(error.message);
  });
  routes(http);
  await http.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw new DomainError('unavailable', 'http.address_taken', `Cannot listen on ${host}:${port}: ${error.message}`, {
      cause: error,
    });
  });
  const address = http.addresses()[0];
  return {
    port: typeof address === 'object' ? address.port : port,
    async [Symbol.asyncDispose]() {
      const cut = setTimeout(() => http.server.closeAllConnections(), graceMs);
      await http.close();
      clearTimeout(cut);
    },
  };
}
