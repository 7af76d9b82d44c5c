import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@portico/errors';
import {
  type CallContext,
  connectGrpc,
  type GrpcClient,
  RemoteError,
  type ServedApi,
  type ServiceDefinition,
  serveGrpc,
} from '@portico/grpc';
import { ModalClientService, modal } from '@portico/modal-protocol';
import type { Logger } from '@portico/telemetry';

/** What the door tells of its container. */
export interface DoorEvents {
  /** It asks for inputs: everything before is done. */
  onAsksForInputs(): void;
  /** An `@app.server` has run its enter hooks. */
  onServerReady(): void;
  /** Start-up or the whole task ended with a result. */
  onResult(result: modal.GenericResult): void;
  /** It wants to be replaced. */
  onAsksToStop(): void;
}

/** The container's own gRPC server: its identity is the socket. */
export interface Door extends AsyncDisposable {
  /** Tells the container to take no more work and to end; also for requests still to come. */
  drain(): void;
}

/** How long a question for inputs is held when there are none. */
const HOLD_MS = 25_000;
const FORWARD_DEADLINE_MS = 120_000;

const identity = (bytes: Buffer): Buffer => bytes;

const localMethods = [
  'containerHello',
  'containerHeartbeat',
  'functionGetInputs',
  'functionPutOutputs',
  'taskResult',
  'containerStop',
  'containerServerLifecycleReady',
  'volumeCommit',
] as const;

/** The service with every method that is not local carried as raw bytes. */
const doorDefinition = definitionWith((method) => ({
  requestDeserialize: identity,
  responseSerialize: identity,
  requestSerialize: method.requestSerialize,
  responseDeserialize: method.responseDeserialize,
}));
const forwardDefinition = definitionWith(
  () => ({
    requestSerialize: identity,
    responseDeserialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
  }),
  true,
);

type Codecs = Pick<
  ServiceDefinition[string],
  'requestSerialize' | 'requestDeserialize' | 'responseSerialize' | 'responseDeserialize'
>;

function definitionWith(codecs: (method: Codecs) => Codecs, isForAll = false): ServiceDefinition {
  const local: ReadonlySet<string> = new Set(localMethods);
  const entries = Object.entries(ModalClientService as unknown as ServiceDefinition).map(([key, method]) =>
    local.has(key) && !isForAll ? [key, method] : [key, { ...method, ...codecs(method) }],
  );
  return Object.fromEntries(entries) as ServiceDefinition;
}

export type ForwardClient = GrpcClient<ServiceDefinition>;

/** One connection to control for all doors of the node. */
export function connectForward(address: string): ForwardClient {
  return connectGrpc(forwardDefinition, address);
}

export interface DoorOptions {
  readonly containerId: string;
  readonly dir: string;
  readonly forward: ForwardClient;
  readonly events: DoorEvents;
  readonly log: Logger;
}

export async function openDoor({ containerId, dir, forward, events, log }: DoorOptions): Promise<Door> {
  const draining = new AbortController();
  const api: ServedApi = {
    definition: doorDefinition,
    handlers: { ...forwarded(containerId, forward), ...local(events, draining.signal) } as ServedApi['handlers'],
  };
  const path = join(dir, 'door.sock');
  const server = await serveGrpc({ address: `unix://${path}`, apis: [api], log, graceMs: 200 });
  await chmod(path, 0o666);
  return {
    drain: () => draining.abort(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function local(events: DoorEvents, draining: AbortSignal) {
  const killSwitch = modal.FunctionGetInputsResponse.create({
    inputs: [modal.FunctionGetInputsItem.create({ killSwitch: true })],
  });
  return {
    containerHello: () => ({}),
    containerHeartbeat: () => modal.ContainerHeartbeatResponse.create({}),
    async functionGetInputs(_: modal.FunctionGetInputsRequest, call: CallContext) {
      events.onAsksForInputs();
      await heldUntil(AbortSignal.any([draining, call.signal]), HOLD_MS);
      return draining.aborted ? killSwitch : modal.FunctionGetInputsResponse.create({});
    },
    functionPutOutputs: () => ({}),
    taskResult({ result }: modal.TaskResultRequest) {
      if (result) events.onResult(result);
      return {};
    },
    containerStop() {
      events.onAsksToStop();
      return modal.ContainerStopResponse.create({});
    },
    containerServerLifecycleReady() {
      events.onServerReady();
      return {};
    },
    volumeCommit: () => modal.VolumeCommitResponse.create({ skipReload: true }),
  };
}

function heldUntil(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** Everything that is not local goes to control as it came, with the container's id. */
function forwarded(containerId: string, forward: ForwardClient): Record<string, unknown> {
  const handlers: Record<string, unknown> = {};
  for (const [key, method] of Object.entries(forwardDefinition)) {
    const options = (call: CallContext) => ({
      deadlineMs: FORWARD_DEADLINE_MS,
      signal: call.signal,
      headers: headersOf(containerId, call),
    });
    handlers[key] = method.responseStream
      ? (request: Buffer, call: CallContext) =>
          translated(forward[key] as unknown as StreamCall, request, options(call))
      : (request: Buffer, call: CallContext) =>
          (forward[key] as unknown as UnaryCall)(request, options(call)).catch(asAnswered);
  }
  return handlers;
}

type Options = { readonly deadlineMs: number; readonly signal: AbortSignal; readonly headers: Record<string, string> };
type UnaryCall = (request: Buffer, options: Options) => Promise<Buffer>;
type StreamCall = (request: Buffer, options: Options) => AsyncIterable<Buffer>;

function headersOf(containerId: string, call: CallContext): Record<string, string> {
  const headers: Record<string, string> = { 'portico-container-id': containerId };
  for (const name of ['x-modal-client-version', 'x-idempotency-key']) {
    const value = call.header(name);
    if (value) headers[name] = value;
  }
  return headers;
}

async function* translated(call: StreamCall, request: Buffer, options: Options): AsyncIterable<Buffer> {
  try {
    yield* call(request, options);
  } catch (error) {
    asAnswered(error);
  }
}

/** Control's own answer is the answer, refusals too. */
function asAnswered(error: unknown): never {
  if (!(error instanceof RemoteError)) throw error;
  throw new DomainError(error.kind, (error.code || 'rpc.refused') as `${string}.${string}`, error.message, {
    cause: error,
  });
}
