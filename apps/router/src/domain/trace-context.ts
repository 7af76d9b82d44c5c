/** A `traceparent` of the W3C shape, version 00; anything else is not continued. */
const SHAPE = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The client's trace if it is well formed. */
export function validTraceparent(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && SHAPE.test(value) ? value : undefined;
}

/** A fresh, unsampled trace for when no telemetry runs: the app still has an id to log. `random` is 24 bytes. */
export function freshTraceparent(random: Buffer): string {
  return `00-${random.toString('hex', 0, 16)}-${random.toString('hex', 16, 24)}-00`;
}
