import type { control } from '@portico/contracts';
import {
  boundsOfFunction,
  boundsOfWorkspace,
  type DefaultBounds,
  type FunctionBounds,
  shareOf,
  type WorkspaceBounds,
} from './bounds.ts';

/** A queue as it was set, and how many of it may wait at this router. */
export interface SharedQueue {
  readonly length: number;
  readonly share: number;
}

/** The limits of all workspaces and functions, as they are now. */
export interface LimitsInForce {
  /** The operator has set a limit, or has taken it away. */
  apply(limit: control.Limit | undefined, before: control.Limit | undefined): void;
  /** How many routers share them, this one included. */
  routers: number;
  ofWorkspace(workspace: string): WorkspaceBounds;
  /** Undefined when it has none of its own. `functionName` is made by `functionNameOf`. */
  ofFunction(functionName: string): FunctionBounds | undefined;
  queueOf(workspace: string, functionName: string): SharedQueue;
}

export function createLimitsInForce(defaults: DefaultBounds): LimitsInForce {
  const set = new Map<string, control.Limit>();
  /** Made from `set` when they are first needed, and again after every change. */
  const made = { workspaces: new Map<string, WorkspaceBounds>(), functions: new Map<string, FunctionBounds>() };
  /** Mostly none is: then nothing need be looked for. */
  let areFunctionsLimited = false;
  let routers = 1;
  const forget = (): void => {
    made.workspaces.clear();
    made.functions.clear();
  };
  const limits: LimitsInForce = {
    apply(limit, before) {
      const key = keyOfLimit(limit ?? before);
      if (limit) set.set(key, limit);
      else set.delete(key);
      areFunctionsLimited = [...set.values()].some(({ target }) => target?.target?.$case !== 'workspace');
      forget();
    },
    get routers() {
      return routers;
    },
    set routers(count) {
      if (count === routers) return;
      routers = count;
      forget();
    },
    ofWorkspace(workspace) {
      const known = made.workspaces.get(workspace);
      if (known) return known;
      const bounds = boundsOfWorkspace(set.get(keyOfWorkspace(workspace)), defaults, routers);
      made.workspaces.set(workspace, bounds);
      return bounds;
    },
    ofFunction(functionName) {
      if (!areFunctionsLimited) return undefined;
      const known = made.functions.get(functionName);
      const limit = known ? undefined : set.get(keyOfFunction(functionName));
      if (!limit) return known;
      const bounds = boundsOfFunction(limit, routers);
      made.functions.set(functionName, bounds);
      return bounds;
    },
    queueOf(workspace, functionName) {
      const length = limits.ofFunction(functionName)?.queueMax ?? limits.ofWorkspace(workspace).queueMax;
      return { length, share: Math.floor(shareOf(length, routers)) };
    },
  };
  return limits;
}

/** Under which the rate of a workspace is counted. */
export function keyOfWorkspace(workspace: string): string {
  return `workspace/${workspace}`;
}

/** Under which the rate of a function is counted. */
export function keyOfFunction(functionName: string): string {
  return `function/${functionName}`;
}

/** Under which is counted what a limit bounds. */
export function keyOfLimit(limit: control.Limit | undefined): string {
  const target = limit?.target?.target;
  if (target?.$case === 'workspace') return keyOfWorkspace(target.value);
  return keyOfFunction(target ? functionNameOf(target.value) : '');
}

/** How a function is called where limits are looked up. */
export function functionNameOf({ environmentName, appName, tag }: control.FunctionName): string {
  return `${environmentName}/${appName}/${tag}`;
}
