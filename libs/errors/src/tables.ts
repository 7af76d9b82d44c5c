import type { ErrorKind } from './domain-error.ts';

/** Numbers of google.rpc.Code. */
export const grpcStatusOf: Record<ErrorKind, number> = {
  'invalid-argument': 3,
  unauthenticated: 16,
  'permission-denied': 7,
  'not-found': 5,
  'already-exists': 6,
  'failed-precondition': 9,
  aborted: 10,
  'resource-exhausted': 8,
  cancelled: 1,
  'deadline-exceeded': 4,
  unavailable: 14,
  unimplemented: 12,
  internal: 13,
};

export const httpStatusOf: Record<ErrorKind, number> = {
  'invalid-argument': 400,
  unauthenticated: 401,
  'permission-denied': 403,
  'not-found': 404,
  'already-exists': 409,
  'failed-precondition': 400,
  aborted: 409,
  'resource-exhausted': 429,
  cancelled: 499,
  'deadline-exceeded': 504,
  unavailable: 503,
  unimplemented: 501,
  internal: 500,
};

/** What a consumer of a stream does with a message whose handling failed so. */
export type Delivery = 'ack' | 'retry-now' | 'retry-later' | 'drop';

export const deliveryOf: Record<ErrorKind, Delivery> = {
  'invalid-argument': 'drop',
  unauthenticated: 'drop',
  'permission-denied': 'drop',
  'not-found': 'drop',
  'already-exists': 'ack',
  'failed-precondition': 'drop',
  aborted: 'retry-now',
  'resource-exhausted': 'retry-later',
  cancelled: 'retry-now',
  'deadline-exceeded': 'retry-later',
  unavailable: 'retry-later',
  unimplemented: 'drop',
  internal: 'drop',
};

/** Whose fault it is: ours are logged as errors, the caller's as information. */
export const isOurs: Record<ErrorKind, boolean> = {
  'invalid-argument': false,
  unauthenticated: false,
  'permission-denied': false,
  'not-found': false,
  'already-exists': false,
  'failed-precondition': false,
  aborted: false,
  'resource-exhausted': false,
  cancelled: false,
  'deadline-exceeded': true,
  unavailable: true,
  unimplemented: true,
  internal: true,
};

const kindByStatus = new Map(Object.entries(grpcStatusOf).map(([kind, status]) => [status, kind as ErrorKind]));

/** The kind of a gRPC status; what is not in the table is internal. */
export function kindOfGrpcStatus(status: number): ErrorKind {
  return kindByStatus.get(status) ?? 'internal';
}
