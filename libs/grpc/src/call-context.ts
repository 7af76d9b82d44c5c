import type { Metadata } from '@grpc/grpc-js';

/** What a handler knows of its call beside the request. */
export interface CallContext {
  /** Aborted when the caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
  /** First value of a metadata key; undefined when absent. */
  readonly header: (name: string) => string | undefined;
  /** Sets a trailer of the answer. Values must be ASCII, or Buffers for keys that end in `-bin`. */
  readonly setTrailer: (name: string, value: string | Buffer) => void;
  /** The method's full path: /package.Service/Method. */
  readonly path: string;
}

export function headerOf(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0];
  return value === undefined ? undefined : value.toString();
}
