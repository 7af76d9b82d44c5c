import type { Metadata } from '@grpc/grpc-js';

/** What a handler knows of its call beside the request. */
export interface CallContext {
  /** Aborted when the caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
  /** Value of a metadata key; undefined when absent. One that is sent again and again with the same value has it once. */
  readonly header: (name: string) => string | undefined;
  /** Sets a trailer of the answer. Values must be ASCII, or Buffers for keys that end in `-bin`. */
  readonly setTrailer: (name: string, value: string | Buffer) => void;
  /** The method's full path: /package.Service/Method. */
  readonly path: string;
}

/** node:http2 joins what came under one name; Modal's client for Go sends its credentials twice in one call. */
export function headerOf(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0]?.toString();
  const [first, ...others] = value?.split(', ') ?? [];
  return others.every((other) => other === first) ? first : value;
}
