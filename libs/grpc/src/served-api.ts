import type { CallContext } from './call-context.ts';
import type { AnyMethod, RequestOf, ResponseOf, ServiceDefinition } from './definition.ts';

export type UnaryHandler<Request, Response> = (request: Request, call: CallContext) => Promise<Response> | Response;
export type StreamHandler<Request, Response> = (request: Request, call: CallContext) => AsyncIterable<Response>;

/** The handler that a method asks for: an async generator where it streams, else a function. */
export type HandlerOf<M extends AnyMethod> = M['responseStream'] extends true
  ? StreamHandler<RequestOf<M>, ResponseOf<M>>
  : UnaryHandler<RequestOf<M>, ResponseOf<M>>;

export type Handlers<D extends ServiceDefinition> = { readonly [K in keyof D]: HandlerOf<D[K]> };

/** A check before every call; throws to refuse it. */
export type Guard = (call: CallContext) => Promise<void> | void;

/** A service and what answers it. */
export interface ServedApi {
  readonly definition: ServiceDefinition;
  readonly handlers: Readonly<Record<string, ((request: never, call: CallContext) => unknown) | undefined>>;
  readonly guard?: Guard | undefined;
}

/** All methods of a service, checked by the compiler. */
export function serveAll<D extends ServiceDefinition>(definition: D, handlers: Handlers<D>, guard?: Guard): ServedApi {
  return { definition, handlers: handlers as ServedApi['handlers'], guard };
}

/** Some methods of a service; the others answer UNIMPLEMENTED with one sentence. */
export function serveSome<D extends ServiceDefinition>(
  definition: D,
  handlers: Partial<Handlers<D>>,
  guard?: Guard,
): ServedApi {
  return { definition, handlers: handlers as ServedApi['handlers'], guard };
}
