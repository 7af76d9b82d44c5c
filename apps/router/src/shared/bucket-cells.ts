import type { BucketState } from '../domain/token-bucket.ts';
import { BLOCK_BYTES, BLOCK_INTS, type BlockIndex } from './blocks.ts';
import { tryCount } from './try-count.ts';

const LOCK = 0;
const KEPT = 2;
const HAS_STATE = 3;
/** Whole numbers of up to 53 bits, as doubles, behind the first four integers. */
const DOUBLES_AT = 4 * Int32Array.BYTES_PER_ELEMENT;
const MICRO_TOKENS = 0;
const AT_US = 1;
/** What the lock may be. */
const [FREE, HELD, AWAITED] = [0, 1, 2];

/** What the threads of a router share of a workspace or of a function with a limit of its own: its token bucket. */
export class BucketCells {
  static readonly blocks = 1;
  readonly #ints: Int32Array;
  readonly #doubles: Float64Array;

  constructor(memory: SharedArrayBuffer, at: BlockIndex) {
    this.#ints = new Int32Array(memory, at * BLOCK_BYTES, BLOCK_INTS);
    this.#doubles = new Float64Array(memory, at * BLOCK_BYTES + DOUBLES_AT, 2);
  }

  /** Nobody else has it until `unlock`, which must follow before anything else can happen in this thread. */
  lock(): void {
    if (Atomics.compareExchange(this.#ints, LOCK, FREE, HELD) === FREE) return;
    // Whoever gets it after a wait can't know whether others wait still, and wakes one in vain at worst.
    while (Atomics.exchange(this.#ints, LOCK, AWAITED) !== FREE) Atomics.wait(this.#ints, LOCK, AWAITED, 1);
  }

  unlock(): void {
    if (Atomics.exchange(this.#ints, LOCK, FREE) === AWAITED) Atomics.notify(this.#ints, LOCK, 1);
  }

  /** Undefined until the first token was taken. Only while it is locked. */
  get state(): BucketState | undefined {
    if (this.#ints[HAS_STATE] === 0) return undefined;
    return { microTokens: this.#doubles[MICRO_TOKENS] ?? 0, atUs: this.#doubles[AT_US] ?? 0 };
  }

  set state({ microTokens, atUs }: BucketState) {
    this.#doubles[MICRO_TOKENS] = microTokens;
    this.#doubles[AT_US] = atUs;
    this.#ints[HAS_STATE] = 1;
  }

  /** One more call that goes on without its client, unless there are `max` already. */
  tryKeep(max: number): boolean {
    return tryCount(this.#ints, KEPT, max);
  }

  letGo(): void {
    Atomics.sub(this.#ints, KEPT, 1);
  }

  get kept(): number {
    return Atomics.load(this.#ints, KEPT);
  }
}
