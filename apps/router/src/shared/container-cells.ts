import { BLOCK_INTS, type BlockIndex } from './blocks.ts';
import { tryCount } from './try-count.ts';

const IN_FLIGHT = 0;
const SET_ASIDE = 2;

/** What the threads of a router share of a container: how many requests it has, exactly. */
export class ContainerCells {
  static readonly blocks = 1;
  readonly #ints: Int32Array;

  constructor(memory: SharedArrayBuffer, at: BlockIndex) {
    this.#ints = new Int32Array(memory, at * BLOCK_INTS * Int32Array.BYTES_PER_ELEMENT, BLOCK_INTS);
  }

  get inFlight(): number {
    return Atomics.load(this.#ints, IN_FLIGHT);
  }

  /** One more, unless there are `limit` already; whatever other threads do meanwhile. */
  tryTake(limit: number): boolean {
    return tryCount(this.#ints, IN_FLIGHT, limit);
  }

  giveBack(): void {
    Atomics.sub(this.#ints, IN_FLIGHT, 1);
  }

  /** It gets no more work for now. */
  get isSetAside(): boolean {
    return Atomics.load(this.#ints, SET_ASIDE) === 1;
  }

  set isSetAside(isSetAside: boolean) {
    Atomics.store(this.#ints, SET_ASIDE, isSetAside ? 1 : 0);
  }
}
