/** A deadline that can be called off. */
export interface Deadline {
  cancel(): void;
}

/** Many deadlines at the cost of one timer: each is met within a tick after it is due. */
export interface TimerWheel extends Disposable {
  after(delayMs: number, onDue: () => void): Deadline;
}

interface Entry extends Deadline {
  /** Undefined once it is met or called off. */
  onDue: (() => void) | undefined;
  readonly dueTick: number;
}

const SLOTS = 512;

/** Turns by one slot every `tickMs` while it holds anything, and stands still otherwise. */
export function createTimerWheel(tickMs = 50): TimerWheel {
  const slots = Array.from({ length: SLOTS }, () => new Set<Entry>());
  let tick = 0;
  let held = 0;
  let timer: NodeJS.Timeout | undefined;
  /** When `tick` was last in step with the clock. */
  let turnedAt = 0;
  const remove = (entry: Entry): void => {
    if (!entry.onDue) return;
    entry.onDue = undefined;
    slots[entry.dueTick % SLOTS]?.delete(entry);
    held -= 1;
  };
  const turn = (): void => {
    const passed = Math.floor((performance.now() - turnedAt) / tickMs);
    turnedAt += passed * tickMs;
    for (let i = 0; i < passed; i++) meet(++tick);
    if (held > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const meet = (now: number): void => {
    for (const entry of slots[now % SLOTS] ?? []) {
      if (entry.dueTick > now) continue;
      const { onDue } = entry;
      remove(entry);
      onDue?.();
    }
  };
  return {
    after(delayMs, onDue) {
      if (!timer) {
        turnedAt = performance.now();
        timer = setInterval(turn, tickMs);
      }
      // One more, for the part of the tick that has passed already.
      const dueTick = tick + Math.ceil(delayMs / tickMs) + 1;
      const entry: Entry = { onDue, dueTick, cancel: () => remove(entry) };
      slots[dueTick % SLOTS]?.add(entry);
      held += 1;
      return entry;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
