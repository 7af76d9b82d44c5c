import type { nodeAgent } from '@portico/contracts';
import type { ContainerCells } from '../shared/container-cells.ts';
import { preferenceOf, seedOf } from './affinity.ts';

/** A ready container, and what it has to do now. */
export interface Slot {
  readonly container: nodeAgent.Container;
  readonly cells: ContainerCells;
}

/** The ready containers of a pool. */
export interface Slots {
  /** One that is there already keeps its count: leases that run are given back to it. */
  keep(containerId: string, container: nodeAgent.Container, cells: ContainerCells): void;
  drop(containerId: string): void;
  setAside(containerId: string, isSetAside: boolean): void;
  /** Whether any is not set aside. */
  readonly hasUsable: boolean;
  hasFree(limit: number, except: ReadonlySet<string>): boolean;
  /** One more request for the least loaded; with a key, for the one of those with room that the key prefers. */
  take(limit: number, except: ReadonlySet<string>, affinityKey: string): Slot | undefined;
  /** Only of those that have any. */
  inFlight(): Map<string, number>;
}

export function createSlots(): Slots {
  return new ReadySlots();
}

class ReadySlots implements Slots {
  readonly #slots = new Map<string, Slot>();

  keep(containerId: string, container: nodeAgent.Container, cells: ContainerCells): void {
    this.#slots.set(containerId, { container, cells });
  }

  drop(containerId: string): void {
    this.#slots.delete(containerId);
  }

  setAside(containerId: string, isSetAside: boolean): void {
    const slot = this.#slots.get(containerId);
    if (slot) slot.cells.isSetAside = isSetAside;
  }

  get hasUsable(): boolean {
    for (const { cells } of this.#slots.values()) if (!cells.isSetAside) return true;
    return false;
  }

  hasFree(limit: number, except: ReadonlySet<string>): boolean {
    return this.#leastLoaded(limit, except) !== undefined;
  }

  take(limit: number, except: ReadonlySet<string>, affinityKey: string): Slot | undefined {
    const seed = affinityKey === '' ? undefined : seedOf(affinityKey);
    for (;;) {
      const best = seed === undefined ? this.#leastLoaded(limit, except) : this.#preferred(limit, except, seed);
      // Another thread may take the last place in it meanwhile.
      if (!best || best.cells.tryTake(limit)) return best;
    }
  }

  inFlight(): Map<string, number> {
    const counts = [...this.#slots].map(([id, { cells }]) => [id, cells.inFlight] as const);
    return new Map(counts.filter(([, count]) => count > 0));
  }

  #leastLoaded(limit: number, except: ReadonlySet<string>): Slot | undefined {
    let best: Slot | undefined;
    let least = limit;
    for (const slot of this.#slots.values()) {
      const { inFlight } = slot.cells;
      if (inFlight >= least || slot.cells.isSetAside || except.has(slot.container.containerId)) continue;
      [best, least] = [slot, inFlight];
    }
    return best;
  }

  #preferred(limit: number, except: ReadonlySet<string>, seed: number): Slot | undefined {
    let best: Slot | undefined;
    let most = -1;
    for (const slot of this.#slots.values()) {
      const { containerId } = slot.container;
      if (slot.cells.inFlight >= limit || slot.cells.isSetAside || except.has(containerId)) continue;
      const preference = preferenceOf(seed, containerId);
      if (preference > most) [best, most] = [slot, preference];
    }
    return best;
  }
}
