import { rm } from 'node:fs/promises';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { DomainError, isOurs } from '@portico/errors';
import { type Logger, meterOf, withSpan } from '@portico/telemetry';
import { type CallContext, headerOf } from './call-context.ts';
import type { AnyMethod } from './definition.ts';
import type { ServedApi } from './served-api.ts';
import { toDomainError, toServiceError } from './status.ts';

/** A server that runs; disposing it lets calls end within `graceMs`, then cuts them. */
export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
}

export interface ServeOptions {
  /** `unix:///path` or `host:port`; port 0 picks a free one. A stale socket file is removed. */
  readonly address: string;
  readonly apis: readonly ServedApi[];
  readonly log: Logger;
  readonly graceMs?: number;
}

const LIMITS = {
  // The client assumes 100 MiB for a message.
  'grpc.max_receive_message_length': 128 * 1024 * 1024,
  'grpc.max_send_message_length': 128 * 1024 * 1024,
  'grpc-node.flow_control_window': 16 * 1024 * 1024,
};

export async function serveGrpc({ address, apis, log, graceMs = 2_000 }: ServeOptions): Promise<GrpcServer> {
  const server = new Server(LIMITS);
  for (const api of apis) server.addService(api.definition, implementationOf(api, log));
  if (address.startsWith('unix://')) await rm(address.slice('unix://'.length), { force: true });
  const port = await bind(server, address);
  return { port, [Symbol.asyncDispose]: () => shutDown(server, graceMs) };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error) {
        reject(
          new DomainError('unavailable', 'grpc.address_taken', `Cannot listen on ${address}: ${error.message}`, {
            cause: error,
          }),
        );
      } else resolve(port);
    });
  });
}

async function shutDown(server: Server, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.tryShutdown(() => resolve());
  const cut = setTimeout(() => {
    server.forceShutdown();
    resolve();
  }, graceMs);
  await promise;
  clearTimeout(cut);
}

function implementationOf(api: ServedApi, log: Logger): UntypedServiceImplementation {
  const implementation: UntypedServiceImplementation = {};
  for (const [key, method] of Object.entries(api.definition)) {
    implementation[key] = method.responseStream ? streamCall(key, method, api, log) : unaryCall(key, method, api, log);
  }
  return implementation;
}

interface CallEdge {
  readonly call: CallContext;
  readonly trailers: Metadata;
  readonly traceparent: string | undefined;
}

function edgeOf(
  raw: { metadata: Metadata; on(event: 'cancelled', listener: () => void): unknown },
  path: string,
): CallEdge {
  const gone = new AbortController();
  raw.on('cancelled', () => gone.abort());
  const trailers = new Metadata();
  return {
    trailers,
    traceparent: headerOf(raw.metadata, 'traceparent'),
    call: {
      path,
      signal: gone.signal,
      header: (name) => headerOf(raw.metadata, name),
      setTrailer: (name, value) => trailers.add(name, value),
    },
  };
}

function unimplemented(path: string): DomainError {
  return new DomainError(
    'unimplemented',
    'rpc.unimplemented',
    `${path.split('/').pop()} is not implemented by Portico yet.`,
  );
}

function handlerOf(key: string, path: string, api: ServedApi): (request: unknown, call: CallContext) => unknown {
  const handler = api.handlers[key] as ((request: unknown, call: CallContext) => unknown) | undefined;
  return async (request, call) => {
    await api.guard?.(call);
    if (!handler) throw unimplemented(path);
    return handler(request, call);
  };
}

function unaryCall(key: string, { path }: AnyMethod, api: ServedApi, log: Logger): UntypedHandleCall {
  const handle = handlerOf(key, path, api);
  return (raw: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => {
    const { call, trailers, traceparent } = edgeOf(raw, path);
    timed(path, () =>
      withSpan(path.slice(1), { kind: 'server', traceparent }, async () => handle(raw.request, call)),
    ).then(
      (response) => answer(null, response, trailers),
      (reason: unknown) => answer(toServiceError(logged(reason, path, log), trailers)),
    );
  };
}

function streamCall(key: string, { path }: AnyMethod, api: ServedApi, log: Logger): UntypedHandleCall {
  const handle = handlerOf(key, path, api);
  return (raw: ServerWritableStream<unknown, unknown>) => {
    const { call, trailers, traceparent } = edgeOf(raw, path);
    const run = async (): Promise<void> => {
      for await (const message of (await handle(raw.request, call)) as AsyncIterable<unknown>) {
        if (call.signal.aborted) return;
        if (!raw.write(message)) await drained(raw, call.signal);
      }
    };
    timed(path, () => withSpan(path.slice(1), { kind: 'server', traceparent }, run)).then(
      () => raw.end(trailers),
      (reason: unknown) => raw.emit('error', toServiceError(logged(reason, path, log), trailers)),
    );
  };
}

/** Counts a call with its duration and its end, under the names that OpenTelemetry gives them. */
async function timed<T>(path: string, work: () => Promise<T>): Promise<T> {
  const [service = '', method = ''] = path.slice(1).split('/');
  const begin = performance.now();
  let kind = 'ok';
  try {
    return await work();
  } catch (error) {
    kind = toDomainError(error).kind;
    throw error;
  } finally {
    const attributes = { 'rpc.service': service, 'rpc.method': method, 'portico.kind': kind };
    durations().record((performance.now() - begin) / 1_000, attributes);
  }
}

/** Made at the first call: telemetry has been started by then. */
const durations = once(() =>
  meterOf('grpc').createHistogram('rpc.server.duration', {
    unit: 's',
    description: 'How long calls take to be answered',
  }),
);

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function drained(raw: ServerWritableStream<unknown, unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    raw.once('drain', resolve);
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Logged once, here, with the whole cause chain. */
function logged(reason: unknown, path: string, log: Logger): DomainError {
  const error = toDomainError(reason);
  if (error.kind !== 'unimplemented' && isOurs[error.kind]) log.error({ err: error, rpc: path }, error.message);
  else log.debug({ code: error.code, rpc: path }, error.message);
  return error;
}
