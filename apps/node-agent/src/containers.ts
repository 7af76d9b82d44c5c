import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type autoscaler, nodeAgent } from '@portico/contracts';
import type { Bucket } from '@portico/messaging';
import { savedStates } from './adapters/saved-state.ts';
import { adoptContainer, type OwnContainer, startContainer } from './container.ts';
import type { Surroundings } from './container-options.ts';
import { reconcile } from './domain/reconcile.ts';

/** All containers of this node. Disposing leaves them running. */
export interface Containers extends AsyncDisposable {
  /** Makes what is there match what is wanted. */
  sync(wanted: readonly autoscaler.Placement[]): void;
  get(containerId: string): OwnContainer | undefined;
  all(): OwnContainer[];
}

/** How long the report of an ended container stays readable. */
const KEEP_REPORT_MS = 60_000;

/** Takes over what a process before us left, then follows what is wanted. */
export async function createContainers(
  around: Surroundings,
  reports: Bucket<nodeAgent.Container>,
  nodeId: string,
): Promise<Containers> {
  const present = new Map<string, OwnContainer>();
  const ended = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  let isClosing = false;
  const forgetLater = (id: string): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      ended.delete(id);
      void reports
        .delete(id)
        .catch((error: unknown) => around.log.warn({ err: error }, 'An old report could not be removed'));
    }, KEEP_REPORT_MS);
    timers.add(timer);
  };
  const keep = (container: OwnContainer): void => {
    const id = container.containerId;
    present.set(id, container);
    void container.ended.then(() => {
      if (isClosing) return;
      present.delete(id);
      ended.add(id);
      forgetLater(id);
    });
  };
  for (const saved of await savedStates(around.containersDir)) {
    if (saved.state?.report && saved.state.networkName) keep(adoptContainer(around, saved.state));
    else await discard(around, saved.name);
  }
  await around.network.removeLeft();
  await closeStaleReports(reports, nodeId, (id) => {
    if (present.has(id)) return false;
    ended.add(id);
    forgetLater(id);
    return true;
  });
  return {
    get: (id) => present.get(id),
    all: () => [...present.values()],
    sync(wanted) {
      for (const action of reconcile(wanted, [...present.values()], (id) => ended.has(id))) {
        if (action.do === 'start') keep(startContainer(around, action.placement));
        else present.get(action.containerId)?.drain(action.why, action.isNow);
      }
    },
    async [Symbol.asyncDispose]() {
      isClosing = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all([...present.values()].map((container) => container.abandon()));
    },
  };
}

/** A start that was cut off before it could be taken over. */
async function discard(around: Surroundings, name: string): Promise<void> {
  const dir = join(around.containersDir, name);
  await around.driver.destroy(`ta-${name}`);
  await around.rootFileSystems.unmount(dir);
  await rm(dir, { recursive: true, force: true });
}

/** Reports of this node's containers that are gone without a trace, as after a power cut. */
async function closeStaleReports(
  reports: Bucket<nodeAgent.Container>,
  nodeId: string,
  hasEnded: (containerId: string) => boolean,
): Promise<void> {
  const { EXITED } = nodeAgent.ContainerState;
  for (const { key, value } of await reports.entries()) {
    if (value.nodeId !== nodeId || !hasEnded(key)) continue;
    if (value.state !== EXITED) {
      await reports.put(key, {
        ...value,
        state: EXITED,
        exitReason: nodeAgent.ExitReason.NODE_LOST,
        finishedAt: Date.now() / 1000,
        message: 'The node was restarted.',
      });
    }
  }
}
