import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { basePoolIdOf } from '@portico/ids';
import type { modal } from '@portico/modal-protocol';
import { deploymentHashOf } from '../domain/content-hash.ts';
import { poolOf } from '../domain/pool-of.ts';
import { claimHosts, definitionById, functionById, labelKeyOf } from '../functions.ts';
import type { State } from '../state.ts';

/** One version to be put in force. */
export interface Publication {
  readonly functionIds: Map<string, string>;
  readonly classIds: Map<string, string>;
  /** Function id to definition id. */
  readonly definitionIds: Map<string, string>;
  readonly deployedBy: string;
  readonly clientVersion: string;
  readonly tag: string;
  readonly commitInfo: Buffer;
  readonly rollbackVersion: number;
  /** Other than before = replace all containers. */
  readonly nonce: string;
}

/** A function of a version, with the definition that is put in force. */
interface Tagged {
  readonly tag: string;
  readonly functionId: string;
  readonly definitionId: string;
  readonly record: control.Definition;
  readonly definition: modal.FunctionMessage;
  /** Method name (empty for a web function) to host. */
  readonly hosts: ReadonlyMap<string, string>;
}

/**
 * Puts a version in force: the frozen record first, then one write of `live`, which is the switch.
 * Undefined when nothing has changed. One at a time for each app.
 */
export async function publish(
  state: State,
  app: control.App,
  publication: Publication,
): Promise<control.Deployment | undefined> {
  const tags = await tagsOf(state, app, publication);
  const contentHash = deploymentHashOf(
    tags.map(({ tag, record }) => [tag, record.contentHash]),
    publication.nonce,
  );
  const before = state.live.get(app.appId);
  const isUnchanged =
    before?.state === control.AppState.RUNNING &&
    state.deployments.get(`${app.appId}.${before.version}`)?.contentHash === contentHash &&
    before.routes.length === tags.reduce((sum, { hosts }) => sum + hosts.size, 0) &&
    before.routes.every((route) => tags.some(({ hosts }) => hosts.get(route.methodName) === route.host));
  if (isUnchanged && publication.rollbackVersion === 0) return undefined;
  const deployment = await freeze(state, app, { publication, tags, contentHash, before });
  await switchTo(state, app, deployment, before);
  await retireOldOwners(state, app.appId, deployment.routes);
  await releaseHosts(state, app.appId, deployment.routes);
  return deployment;
}

/** Writes the record under the next free number: two deploys at once get one each. */
async function freeze(state: State, app: control.App, parts: DeploymentParts): Promise<control.Deployment> {
  for (let version = Math.max(app.version, parts.before?.version ?? 0) + 1; ; version++) {
    const deployment = deploymentOf(state, app, version, parts);
    try {
      await state.deployments.create(`${app.appId}.${version}`, deployment);
      return deployment;
    } catch (error) {
      if (DomainError.from(error).kind !== 'already-exists') throw error;
    }
  }
}

/** What is put in force, with the hosts claimed for it: they follow from the definition, also from an old one. */
async function tagsOf(
  state: State,
  app: control.App,
  { functionIds, definitionIds }: Publication,
): Promise<readonly Tagged[]> {
  const tags: Tagged[] = [];
  for (const [tag, functionId] of functionIds) {
    const known = functionById(state, functionId);
    const definitionId = definitionIds.get(functionId) || known.definitionId;
    const record = state.definitions.get(definitionId);
    if (!record || known.appId !== app.appId || record.functionId !== functionId)
      throw new DomainError(
        'failed-precondition',
        'publish.no_definition',
        `The function ${tag} has no definition: deploy again.`,
      );
    const definition = definitionById(state, definitionId);
    const { hosts } = await claimHosts(state, app, known, definition);
    refuseSharedHosts(tags, hosts);
    tags.push({ tag, functionId, definitionId, record, definition, hosts });
  }
  return tags;
}

function refuseSharedHosts(tags: readonly Tagged[], hosts: ReadonlyMap<string, string>): void {
  const taken = new Set(tags.flatMap((tagged) => [...tagged.hosts.values()]));
  const shared = [...hosts.values()].find((host, at, all) => taken.has(host) || all.indexOf(host) !== at);
  if (shared === undefined) return;
  throw new DomainError(
    'invalid-argument',
    'label.taken',
    `Two web functions of this app would have the URL ${shared}: give one of them another label.`,
  );
}

interface DeploymentParts {
  readonly publication: Publication;
  readonly tags: readonly Tagged[];
  readonly contentHash: string;
  readonly before: control.LiveApp | undefined;
}

/** The frozen record of a version. */
function deploymentOf(
  state: State,
  app: control.App,
  version: number,
  { publication, tags, contentHash, before }: DeploymentParts,
): control.Deployment {
  const pools: control.PoolSpec[] = [];
  const routes: control.Route[] = [];
  for (const tagged of tags) {
    const { tag, functionId, definitionId, record, definition } = tagged;
    const pool = poolOf(definition, {
      appId: app.appId,
      functionId,
      definitionId,
      contentHash: record.contentHash,
      tag,
      environmentName: app.environmentName,
      appVersion: version,
      nonce: publication.nonce,
    });
    pools.push(pool);
    routes.push(...routesOf(state, app, tagged, pool, before));
  }
  return control.Deployment.create({
    appId: app.appId,
    version,
    deployedAt: state.now(),
    deployedBy: publication.deployedBy,
    clientVersion: publication.clientVersion,
    tag: publication.tag,
    functionIds: publication.functionIds,
    classIds: publication.classIds,
    definitionIds: new Map(tags.map(({ functionId, definitionId }) => [functionId, definitionId])),
    contentHash,
    rollbackVersion: publication.rollbackVersion,
    commitInfo: publication.commitInfo,
    routes,
    pools,
  });
}

async function switchTo(
  state: State,
  app: control.App,
  { version, deployedAt, routes, pools }: control.Deployment,
  before: control.LiveApp | undefined,
): Promise<void> {
  const current = new Set(pools.map(({ poolId }) => poolId));
  const inUse = new Set(
    [...state.placements.entries()].map(([, placement]) => basePoolIdOf(placement.pool?.poolId ?? '')),
  );
  const previousPools = [...(before?.pools ?? []), ...(before?.previousPools ?? [])]
    .filter(({ poolId }) => !current.has(poolId) && inUse.has(poolId))
    .filter((pool, at, all) => all.findIndex(({ poolId }) => poolId === pool.poolId) === at);
  await state.live.modify(app.appId, (now) => {
    // A later version that was faster stays in force.
    if (now && now.version > version) return undefined;
    return {
      appId: app.appId,
      name: app.name,
      environmentName: app.environmentName,
      version,
      state: control.AppState.RUNNING,
      routes,
      pools,
      previousPools,
      deployedAt,
      stoppedAt: 0,
      workspace: state.config.workspace,
    };
  });
}

function routesOf(
  state: State,
  app: control.App,
  { functionId, definition, hosts }: Tagged,
  pool: control.PoolSpec,
  before: control.LiveApp | undefined,
): control.Route[] {
  const config = (method: string): modal.WebhookConfig | undefined =>
    method ? definition.methodDefinitions.get(method)?.webhookConfig : definition.webhookConfig;
  return [...hosts].map(([methodName, host]) =>
    control.Route.create({
      host,
      poolId: pool.poolId,
      previousPoolId: previousPoolOf(state, before, host, pool.poolId),
      methodName,
      requiresProxyAuth: definition.isServer
        ? !definition.httpConfig?.unauthenticated
        : (config(methodName)?.requiresProxyAuth ?? false),
      functionId,
      ephemeral: app.phase === control.AppPhase.EPHEMERAL,
      claimedAt: state.now(),
      environmentName: app.environmentName,
    }),
  );
}

/** The pool that really answered this host so far: one that never got a container is skipped. */
function previousPoolOf(state: State, before: control.LiveApp | undefined, host: string, poolId: string): string {
  const route = before?.routes.find((candidate) => candidate.host === host);
  if (!route) return '';
  const isServing = [...state.containers.entries()].some(
    ([, container]) => basePoolIdOf(container.poolId) === route.poolId && container.wasReady,
  );
  const previous = isServing || route.poolId === poolId ? route.poolId : route.previousPoolId;
  return previous === poolId ? '' : previous;
}

/** A stopped app of before no longer answers for hosts that live again. */
async function retireOldOwners(state: State, appId: string, routes: readonly control.Route[]): Promise<void> {
  const hosts = new Set(routes.map(({ host }) => host));
  for (const live of state.live.values()) {
    if (live.appId === appId || !live.routes.some(({ host }) => hosts.has(host))) continue;
    await state.live.modify(
      live.appId,
      (now) => now && { ...now, routes: now.routes.filter(({ host }) => !hosts.has(host)) },
    );
  }
}

/** Hosts that the app no longer answers for are free for others. */
async function releaseHosts(state: State, appId: string, routes: readonly control.Route[]): Promise<void> {
  const hosts = new Set(routes.map(({ host }) => host));
  const left = state.labels.values().filter((claim) => claim.appId === appId && !hosts.has(claim.host));
  await Promise.all(left.map(({ host }) => state.labels.delete(labelKeyOf(host))));
}
