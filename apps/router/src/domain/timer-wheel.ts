import { performance } from 'node:perf_hooks';
/** A deadline that can be called off. */
export interface Deadline {
  cancel(): void;
}

/** Many deadlines at the cost of one timer: each is met within a tick after it is due. */
export interface TimerWheel extends Disposable {
  after(delayMs: number, onDue: () => void): Deadline;
}

/** Turns by one slot every `tickMs` while it holds anything, and stands still otherwise. */
export function createTimerWheel(tickMs = 50): TimerWheel {
  return new Wheel(tickMs);
}

const SLOTS = 512;

/** A ring of entries that are due at the same slot; its own head is in it and never due. */
class Entry implements Deadline {
  readonly #wheel: Wheel;
  readonly dueTick: number;
  /** Undefined once it is met or called off. */
  onDue: (() => void) | undefined;
  before: Entry = this;
  after: Entry = this;

  constructor(wheel: Wheel, dueTick: number, onDue?: () => void) {
    this.#wheel = wheel;
    this.dueTick = dueTick;
    this.onDue = onDue;
  }

  insertBefore(next: Entry): void {
    this.before = next.before;
    this.after = next;
    next.before.after = this;
    next.before = this;
  }

  cancel(): void {
    if (!this.onDue) return;
    this.onDue = undefined;
    this.before.after = this.after;
    this.after.before = this.before;
    // Who keeps it keeps none of the others.
    this.before = this;
    this.after = this;
    this.#wheel.held -= 1;
  }
}

/** Rings rather than sets: a request has several deadlines, and calls almost all of them off. */
class Wheel implements TimerWheel {
  held = 0;
  readonly #tickMs: number;
  readonly #heads: readonly Entry[] = Array.from({ length: SLOTS }, () => new Entry(this, Number.POSITIVE_INFINITY));
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When `#tick` was last in step with the clock. */
  #turnedAt = 0;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  after(delayMs: number, onDue: () => void): Deadline {
    const now = performance.now();
    if (!this.#timer) {
      this.#turnedAt = now;
      this.#timer = setInterval(() => this.#turn(), this.#tickMs);
    }
    // By the clock: a thread that was busy has not turned for a while.
    const dueTick = this.#tick + Math.max(1, Math.ceil((now - this.#turnedAt + delayMs) / this.#tickMs));
    const entry = new Entry(this, dueTick, onDue);
    entry.insertBefore(this.#headOf(dueTick));
    this.held += 1;
    return entry;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #headOf(tick: number): Entry {
    return this.#heads[tick % SLOTS] as Entry;
  }

  #turn(): void {
    const passed = Math.floor((performance.now() - this.#turnedAt) / this.#tickMs);
    this.#turnedAt += passed * this.#tickMs;
    for (let i = 0; i < passed; i++) this.#meet(++this.#tick);
    if (this.held > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #meet(now: number): void {
    const due: Entry[] = [];
    const head = this.#headOf(now);
    for (let entry = head.after; entry !== head; entry = entry.after) if (entry.dueTick <= now) due.push(entry);
    for (const entry of due) {
      // One that came before may have called it off.
      const { onDue } = entry;
      entry.cancel();
      onDue?.();
    }
  }
}
