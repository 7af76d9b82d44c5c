import { type BodyFollower, createBodyFollower } from '../domain/http1/body-follower.ts';
import type { Framing } from '../domain/http1/framing.ts';
import { heads } from '../domain/http1/head-writer.ts';
import type { Wire } from './wire.ts';

/** Bodies up to this size are held until they are answered, so that they can be sent again. */
const REPEATABLE_BYTES = 64 * 1024;

/** Never added to. */
const NOTHING: Buffer[] = [];

/** The body of a request: what has come of it, and whether it can still be sent from its start. */
export class RequestBody {
  readonly #follower: BodyFollower;
  readonly #bytesMax: number;
  /** Everything from the start, as it came; undefined once a part has been sent and let go. */
  #held: Buffer[] | undefined = NOTHING;
  #heldBytes = 0;
  #isSent = false;

  constructor(framing: Framing, bytesMax: number) {
    this.#follower = createBodyFollower(framing);
    this.#bytesMax = bytesMax;
  }

  get isDone(): boolean {
    return this.#follower.isDone;
  }

  get isTooLarge(): boolean {
    return this.#follower.announcedBytes > this.#bytesMax;
  }

  /** Whether anything of it has come. */
  get hasBegun(): boolean {
    return this.#heldBytes > 0;
  }

  get isRepeatable(): boolean {
    return this.#held !== undefined;
  }

  /** Nobody takes it yet, and more should not be held. */
  get isFull(): boolean {
    return this.#heldBytes >= REPEATABLE_BYTES;
  }

  /** Notes what belongs to the body; the index just past it, or -1 when it is malformed. */
  take(bytes: Buffer, from: number, to: number): number {
    if (this.#follower.isDone) return from;
    const end = this.#follower.follow(bytes, from, to);
    if (end <= from || !this.#held || this.isTooLarge) return end;
    // Most requests have no body, and need no list of its parts.
    if (this.#heldBytes === 0) this.#held = [];
    this.#heldBytes += end - from;
    if (this.#isSent && this.#heldBytes > REPEATABLE_BYTES) this.#held = undefined;
    else this.#held.push(Buffer.from(bytes.subarray(from, end)));
    return end;
  }

  /** Sends the head that was written, with all that has come so far; false when the wire is full. */
  sendWithHead(wire: Wire): boolean {
    this.#isSent = true;
    if (this.#held && this.#heldBytes > 0) {
      for (const part of this.#held) heads.whole(part);
      if (this.#heldBytes > REPEATABLE_BYTES) this.#held = undefined;
    }
    return heads.sendTo(wire);
  }
}
