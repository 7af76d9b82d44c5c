/** What is told of one request once it is over. Times are milliseconds since the epoch; 0 = did not happen. */
export interface EndedRequest {
  readonly beganMs: number;
  readonly endedMs: number;
  /** It had to wait for a slot from here on. */
  readonly queuedMs: number;
  /** It went to the container that answered. */
  readonly dispatchedMs: number;
  readonly firstByteMs: number;
  /** Its client was told to ask for the answer elsewhere; the call went on. */
  readonly sentAwayMs: number;
  readonly status: number;
  readonly method: string;
  readonly host: string;
  /** Of the router's own span, as the container was given it. */
  readonly traceparent: string;
  /** The client's span, if it named one: 16 hexadecimal digits. */
  readonly parentSpanId: string;
  readonly containerId: string;
  /** Why it went wrong; empty = it did not. */
  readonly error: string;
}
