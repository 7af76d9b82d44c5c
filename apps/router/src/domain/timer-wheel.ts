// Imported: the global of this name is looked up by a function each time.
import { performance } from 'node:perf_hooks';

/** A deadline that can be called off. */
export interface Deadline {
  cancel(): void;
  /** How long until it is due. */
  readonly leftMs: number;
}

/** A deadline that can be set again and again: it costs nothing to move. */
export interface Timer extends Deadline {
  /** From now on it is this one, and no other that was set before. */
  start(delayMs: number): void;
}

/** Many deadlines at the cost of one timer: each is met within a tick after it is due. */
export interface TimerWheel extends Disposable {
  after(delayMs: number, onDue: () => void): Deadline;
  /** One that is not set yet. */
  timer(onDue: () => void): Timer;
}

/** Turns by one slot every `tickMs` while it holds anything, and stands still otherwise. */
export function createTimerWheel(tickMs = 50): TimerWheel {
  return new Wheel(tickMs);
}

const SLOTS = 512;

/** A ring of entries that are due at the same slot; its own head is in it and never due. One that is not set is a ring of its own. */
class Entry implements Timer {
  readonly #wheel: Wheel;
  readonly onDue: (() => void) | undefined;
  dueTick = Number.POSITIVE_INFINITY;
  before: Entry = this;
  after: Entry = this;

  constructor(wheel: Wheel, onDue?: () => void) {
    this.#wheel = wheel;
    this.onDue = onDue;
  }

  get leftMs(): number {
    return this.#wheel.leftUntil(this.dueTick);
  }

  start(delayMs: number): void {
    this.cancel();
    this.#wheel.hold(this, delayMs);
  }

  insertBefore(next: Entry): void {
    this.before = next.before;
    this.after = next;
    next.before.after = this;
    next.before = this;
  }

  cancel(): void {
    if (this.before === this) return;
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
  readonly #heads: readonly Entry[] = Array.from({ length: SLOTS }, () => new Entry(this));
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When `#tick` was last in step with the clock. */
  #turnedAt = 0;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  timer(onDue: () => void): Timer {
    return new Entry(this, onDue);
  }

  after(delayMs: number, onDue: () => void): Deadline {
    const entry = new Entry(this, onDue);
    this.hold(entry, delayMs);
    return entry;
  }

  hold(entry: Entry, delayMs: number): void {
    const now = performance.now();
    if (!this.#timer) {
      this.#turnedAt = now;
      this.#timer = setInterval(() => this.#turn(), this.#tickMs);
    }
    // By the clock: a thread that was busy has not turned for a while.
    entry.dueTick = this.#tick + Math.max(1, Math.ceil((now - this.#turnedAt + delayMs) / this.#tickMs));
    entry.insertBefore(this.#headOf(entry.dueTick));
    this.held += 1;
  }

  leftUntil(dueTick: number): number {
    return Math.max(0, (dueTick - this.#tick) * this.#tickMs - (performance.now() - this.#turnedAt));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #headOf(tick: number): Entry {
    return this.#heads[tick % SLOTS] as Entry;
  }

  #turn(): void {
    const passed = Math.floor((performance.now() - this.#turnedAt) / this.#tickMs);
    for (let i = 0; i < passed; i++) {
      // In step with each other: what is met may set deadlines of its own.
      this.#turnedAt += this.#tickMs;
      this.#meet(++this.#tick);
    }
    if (this.held > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #meet(now: number): void {
    const due: Entry[] = [];
    const head = this.#headOf(now);
    for (let entry = head.after; entry !== head; entry = entry.after) if (entry.dueTick <= now) due.push(entry);
    for (const entry of due) {
      // One that came before may have called it off, or moved it.
      if (entry.before === entry || entry.dueTick > now) continue;
      entry.cancel();
      entry.onDue?.();
    }
  }
}
