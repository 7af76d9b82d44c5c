import { DomainError } from '@portico/errors';
import type { CallContext, Guard } from '@portico/grpc';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

const CONTAINER_ID = 'portico-container-id';

/** What a container may do with its own app only, and with apps that its app has made. */
const ofOneApp = [
  'appClientDisconnect',
  'appCountLogs',
  'appFetchLogs',
  'appGetLogs',
  'appHeartbeat',
  'appPublish',
  'appRollback',
  'appRollover',
  'appSetTags',
  'appStop',
  'classCreate',
  'containerStop',
  'functionCreate',
  'functionPrecreate',
  'taskGetInfo',
] as const;

type Call = (request: unknown, call: CallContext) => unknown;

/** The app of the container that calls; undefined for callers who are none. */
export function ownAppOf({ placements, containers }: State, call: CallContext): string | undefined {
  const id = call.header(CONTAINER_ID);
  return id ? (placements.get(id)?.pool?.appId ?? containers.get(id)?.appId) : undefined;
}

/** Containers come through the door of their node-agent, which names them. */
export function containerGuard(state: State): Guard {
  return (call) => {
    if (!call.header(CONTAINER_ID))
      throw new DomainError('unauthenticated', 'container.unnamed', 'Only containers may call here.');
    if (ownAppOf(state, call) === undefined)
      throw new DomainError('unauthenticated', 'container.unknown', 'There is no such container any more.');
  };
}

/** Handlers for containers: what is bound to an app is refused for the apps of others. */
export function forContainers(state: State, handlers: ModalHandlers): ModalHandlers {
  const wrapped: Record<string, unknown> = { ...handlers };
  for (const name of ofOneApp) {
    const handler = handlers[name] as Call | undefined;
    if (!handler) continue;
    wrapped[name] = (request: { appId?: string; taskId?: string }, call: CallContext) => {
      refuseOthers(state, call, request);
      return handler(request, call);
    };
  }
  return wrapped as ModalHandlers;
}

/** Handlers for everybody else: who says to be a container is not believed. */
export function forClients(handlers: ModalHandlers): ModalHandlers {
  const wrapped = Object.entries(handlers as Record<string, Call>).map(([name, handler]) => [
    name,
    (request: unknown, call: CallContext) =>
      handler(request, { ...call, header: (key) => (key === CONTAINER_ID ? undefined : call.header(key)) }),
  ]);
  return Object.fromEntries(wrapped) as ModalHandlers;
}

function refuseOthers(state: State, call: CallContext, { appId, taskId }: { appId?: string; taskId?: string }): void {
  const own = ownAppOf(state, call);
  const ofTask = taskId
    ? (state.placements.get(taskId)?.pool?.appId ?? state.containers.get(taskId)?.appId)
    : undefined;
  const wanted = appId || ofTask;
  const isOwn = (id: string | undefined): boolean =>
    id !== undefined && own !== undefined && (id === own || state.apps.get(id)?.createdBy === own);
  if (isOwn(wanted) && (!taskId || isOwn(ofTask))) return;
  throw new DomainError(
    'permission-denied',
    'container.other_app',
    'A container may do this only with its own app and with apps that it has made.',
  );
}
