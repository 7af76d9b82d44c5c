/** What a caller can do about an error. The three tables in `tables.ts` are total over it. */
export type ErrorKind =
  | 'invalid-argument'
  | 'unauthenticated'
  | 'permission-denied'
  | 'not-found'
  | 'already-exists'
  | 'failed-precondition'
  | 'aborted'
  | 'resource-exhausted'
  | 'cancelled'
  | 'deadline-exceeded'
  | 'unavailable'
  | 'unimplemented'
  | 'internal';

/** What happened, stable and documented in docs/errors.md: `<area>.<what_happened>`. */
export type ErrorCode = `${string}.${string}`;

/**
 * The one error of our own. `message` may be read by the caller, so it is a sentence that says
 * what to do; `cause` is for the log only.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly kind: ErrorKind;
  readonly code: ErrorCode;

  constructor(kind: ErrorKind, code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.code = code;
  }

  /** Total: what was not foreseen becomes `internal` and says nothing. */
  static from(reason: unknown): DomainError {
    if (reason instanceof DomainError) return reason;
    return new DomainError('internal', 'internal.unexpected', 'An internal error happened; the log has its cause.', {
      cause: reason,
    });
  }
}
