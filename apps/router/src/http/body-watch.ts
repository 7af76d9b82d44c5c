import { performance } from 'node:perf_hooks';
import type { Deadline, TimerWheel } from '../domain/timer-wheel.ts';

/** Notices that a client sends nothing more of its body although it may. */
export class BodyWatch {
  readonly #timers: TimerWheel;
  readonly #silentMs: number;
  readonly #onStalled: () => void;
  #deadline: Deadline | undefined;
  #lastMs = performance.now();
  #isPaused = false;

  constructor(timers: TimerWheel, silentMs: number, onStalled: () => void) {
    this.#timers = timers;
    this.#silentMs = silentMs;
    this.#onStalled = onStalled;
    this.#arm(silentMs);
  }

  /** A part of the body has come. */
  came(): void {
    this.#lastMs = performance.now();
  }

  /** The client can't send: its silence counts for nothing. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#lastMs = performance.now();
  }

  stop(): void {
    this.#deadline?.cancel();
  }

  /** One deadline goes on while parts come, rather than a new one for each. */
  #arm(afterMs: number): void {
    this.#deadline = this.#timers.after(afterMs, () => {
      const leftMs = this.#isPaused ? this.#silentMs : this.#lastMs + this.#silentMs - performance.now();
      if (leftMs > 0) this.#arm(leftMs);
      else this.#onStalled();
    });
  }
}
