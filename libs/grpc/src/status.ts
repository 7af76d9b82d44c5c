import { Metadata, type ServiceError, type status } from '@grpc/grpc-js';
import { DomainError, type ErrorKind, grpcStatusOf, kindOfGrpcStatus } from '@portico/errors';

/**
 * What a neighbour answered. Not a DomainError: a use case may catch it by `code` and translate;
 * untranslated at our own door only transport troubles keep their kind, all else becomes internal.
 */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly path: string;

  constructor(kind: ErrorKind, code: string, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.path = path;
  }
}

const passedOn: ReadonlySet<ErrorKind> = new Set(['unavailable', 'deadline-exceeded', 'cancelled']);

/** What of a failure may be told to a caller. */
export function toDomainError(reason: unknown): DomainError {
  if (reason instanceof RemoteError && passedOn.has(reason.kind)) {
    return new DomainError(
      reason.kind,
      'neighbour.unreachable',
      'A part of the platform is not reachable just now; try again.',
      {
        cause: reason,
      },
    );
  }
  return DomainError.from(reason);
}

/** A DomainError as grpc-js wants it: status, message and the trailer `error-code`. */
export function toServiceError(error: DomainError, trailers: Metadata = new Metadata()): Partial<ServiceError> {
  trailers.set('error-code', error.code);
  return { code: grpcStatusOf[error.kind] as status, details: error.message, metadata: trailers };
}

export function toRemoteError(path: string, error: ServiceError): RemoteError {
  const code = error.metadata?.get('error-code')[0]?.toString() ?? '';
  return new RemoteError(kindOfGrpcStatus(error.code), code, path, error.details || error.message, { cause: error });
}
