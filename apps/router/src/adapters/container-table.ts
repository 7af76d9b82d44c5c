import type { nodeAgent } from '@portico/contracts';

/** The containers as one thread knows them. */
export interface ContainerTable {
  get(containerId: string): nodeAgent.Container | undefined;
  all(): IterableIterator<nodeAgent.Container>;
  /** `undefined` = it is gone. Gives what was known before. */
  set(containerId: string, container: nodeAgent.Container | undefined): nodeAgent.Container | undefined;
  /** Resolves with what is known of a container as soon as that is what is waited for, or when the time is over. */
  until(
    containerId: string,
    isIt: (container: nodeAgent.Container | undefined) => boolean,
    withinMs: number,
  ): Promise<nodeAgent.Container | undefined>;
}

export function createContainerTable(): ContainerTable {
  const known = new Map<string, nodeAgent.Container>();
  const waiting = new Set<() => void>();
  return {
    get: (containerId) => known.get(containerId),
    all: () => known.values(),
    set(containerId, container) {
      const before = known.get(containerId);
      if (container) known.set(containerId, container);
      else known.delete(containerId);
      for (const check of [...waiting]) check();
      return before;
    },
    until: (containerId, isIt, withinMs) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(check);
          resolve(known.get(containerId));
        };
        const check = (): void => {
          if (isIt(known.get(containerId))) end();
        };
        const timer = setTimeout(end, withinMs);
        waiting.add(check);
        check();
      }),
  };
}
