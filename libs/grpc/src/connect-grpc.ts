import { type ChannelOptions, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { currentTraceparent } from '@portico/telemetry';
import type { AnyMethod, RequestOf, ResponseOf, ServiceDefinition } from './definition.ts';
import { toRemoteError } from './status.ts';

/** Every call says how long it may take. */
export interface CallOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Wait for a neighbour that is not up yet, within the deadline. Default true. */
  readonly waitForReady?: boolean;
}

type UnaryCaller<M extends AnyMethod> = (request: RequestOf<M>, options: CallOptions) => Promise<ResponseOf<M>>;
type StreamCaller<M extends AnyMethod> = (request: RequestOf<M>, options: CallOptions) => AsyncIterable<ResponseOf<M>>;

/** A client with one function per method. */
export type GrpcClient<D extends ServiceDefinition> = {
  readonly [K in keyof D]: D[K]['responseStream'] extends true ? StreamCaller<D[K]> : UnaryCaller<D[K]>;
} & AsyncDisposable;

const OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': 128 * 1024 * 1024,
  'grpc.max_send_message_length': 128 * 1024 * 1024,
  // A neighbour that restarts should be found again at once.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
};

/** `address` is `unix:///path` or `host:port`. Connects on the first call. */
export function connectGrpc<D extends ServiceDefinition>(definition: D, address: string): GrpcClient<D> {
  const channel = new Client(address, credentials.createInsecure(), OPTIONS);
  const client: Record<string | symbol, unknown> = {};
  for (const [key, method] of Object.entries(definition)) {
    client[key] = method.responseStream ? streamCaller(channel, method) : unaryCaller(channel, method);
  }
  client[Symbol.asyncDispose] = async () => channel.close();
  return client as GrpcClient<D>;
}

function metadataOf({ headers = {}, waitForReady = true }: CallOptions): Metadata {
  const metadata = new Metadata({ waitForReady });
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const traceparent = currentTraceparent();
  if (traceparent) metadata.set('traceparent', traceparent);
  return metadata;
}

function unaryCaller(channel: Client, method: AnyMethod): UnaryCaller<AnyMethod> {
  return (request, options) =>
    new Promise((resolve, reject) => {
      const call = channel.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadataOf(options),
        { deadline: Date.now() + options.deadlineMs },
        (error, response) => {
          options.signal?.removeEventListener('abort', cancel);
          if (error) reject(toRemoteError(method.path, error));
          else resolve(response);
        },
      );
      const cancel = (): void => call.cancel();
      if (options.signal?.aborted) cancel();
      else options.signal?.addEventListener('abort', cancel, { once: true });
    });
}

function streamCaller(channel: Client, method: AnyMethod): StreamCaller<AnyMethod> {
  return async function* (request, options) {
    const call = channel.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadataOf(options),
      { deadline: Date.now() + options.deadlineMs },
    );
    const cancel = (): void => call.cancel();
    if (options.signal?.aborted) cancel();
    else options.signal?.addEventListener('abort', cancel, { once: true });
    try {
      yield* call;
    } catch (error) {
      throw toRemoteError(method.path, error as ServiceError);
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  };
}
