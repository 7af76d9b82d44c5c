import { autoscaler, nodeAgent } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { GrpcClient } from '@portico/grpc';
import { modal } from '@portico/modal-protocol';
import { environmentOf } from '../domain/apps.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

/** A node that is away may heed a stop later than this; nobody waits for it so long. */
const HEEDED_WITHIN_MS = 5_000;

/** Containers, as the client's commands see them ("tasks" on the wire). */
export function taskHandlers(
  state: State,
  scaler: GrpcClient<typeof autoscaler.AutoscalerServiceService>,
): ModalHandlers {
  return {
    taskList({ environmentName, appId }) {
      const environment = appId ? undefined : environmentOf(state, environmentName).name;
      const tasks = [...state.placements.entries()]
        .map(([, placement]) => placement)
        .filter(({ pool }) => (appId ? pool?.appId === appId : pool?.environmentName === environment))
        .filter((placement) => isListed(state, placement))
        .map(({ containerId, pool, enqueuedAt }) =>
          modal.TaskStats.create({
            taskId: containerId,
            appId: pool?.appId ?? '',
            appDescription: state.apps.get(pool?.appId ?? '')?.name ?? '',
            startedAt: state.containers.get(containerId)?.readyAt ?? 0,
            enqueuedAt,
          }),
        );
      return modal.TaskListResponse.create({ tasks });
    },
    taskGetInfo({ taskId }) {
      const container = state.containers.get(taskId);
      if (!container) throw new DomainError('not-found', 'container.not_found', `There is no container ${taskId}.`);
      const { enqueuedAt, startedAt, finishedAt } = container;
      return modal.TaskGetInfoResponse.create({
        appId: container.appId,
        info: modal.TaskInfo.create({ id: taskId, enqueuedAt, startedAt, finishedAt }),
      });
    },
    async containerStop({ taskId, graceful }) {
      try {
        await scaler.stopContainer(
          { containerId: taskId, graceful, reason: 'asked to stop by the client' },
          { deadlineMs: 10_000 },
        );
      } catch (error) {
        // It may have ended by itself in the meantime.
        if ((error as { kind?: string }).kind !== 'not-found') throw error;
      }
      // Whoever has stopped it, as a deploy that recreates does, may count on it that it gets no more requests.
      const hasEnded = () => (isServing(state.containers.get(taskId)) ? undefined : true);
      await state.containers.until(hasEnded, AbortSignal.timeout(HEEDED_WITHIN_MS)).catch(() => undefined);
      return modal.ContainerStopResponse.create({});
    },
  };
}

/** One that takes no more work is on its way out, and no longer listed. */
function isListed(state: State, { containerId, desired }: autoscaler.Placement): boolean {
  const { EXITED, DRAINING } = nodeAgent.ContainerState;
  const reported = state.containers.get(containerId)?.state;
  return desired === autoscaler.Desired.RUN && reported !== EXITED && reported !== DRAINING;
}

/** Whether routers may still send it requests. */
function isServing(container: nodeAgent.Container | undefined): boolean {
  return container?.state === nodeAgent.ContainerState.READY;
}
