import { join } from 'node:path';
import { buckets, control, streams } from '@portico/contracts';
import { newId } from '@portico/ids';
import { connectNats, type Nats, openStream, openView } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import { openBlobStore } from './adapters/blob-store.ts';
import { openSecretBox } from './adapters/secret-box.ts';
import { openTable } from './adapters/table.ts';
import type { Config } from './config.ts';
import { createTurns } from './in-turn.ts';
import type { State } from './state.ts';

const DEFAULT_ENVIRONMENT = 'main';
const BUILDER_VERSION = '2025.06';

/** Opens all tables, views and stores; a fresh platform gets its default environment. */
export async function openState(
  config: Config,
  opened: AsyncDisposableStack,
  log: Logger,
): Promise<{ state: State; nats: Nats }> {
  const nats = opened.use(await connectNats(config.nats, log));
  const tables = {
    environments: opened.use(await openTable(nats, buckets.environments, log)),
    apps: opened.use(await openTable(nats, buckets.apps, log)),
    appNames: opened.use(await openTable(nats, buckets.appNames, log)),
    live: opened.use(await openTable(nats, buckets.live, log)),
    deployments: opened.use(await openTable(nats, buckets.deployments, log)),
    functions: opened.use(await openTable(nats, buckets.functions, log)),
    definitions: opened.use(await openTable(nats, buckets.definitions, log)),
    secrets: opened.use(await openTable(nats, buckets.secrets, log)),
    mounts: opened.use(await openTable(nats, buckets.mounts, log)),
    labels: opened.use(await openTable(nats, buckets.labels, log)),
    limits: opened.use(await openTable(nats, buckets.limits, log)),
  };
  const views = {
    containers: opened.use(await openView(nats, buckets.containers, { log })),
    placements: opened.use(await openView(nats, buckets.placements, { log })),
    images: opened.use(await openView(nats, buckets.images, { log })),
  };
  const state: State = {
    config,
    log,
    ...tables,
    ...views,
    logs: await openStream(nats, streams.logs, false),
    blobs: await openBlobStore(join(config.home, 'blobs')),
    box: await openSecretBox(join(config.home, 'keys', 'secrets.key')),
    heartbeats: new Map(),
    clients: new Map(),
    turns: createTurns(),
    now: () => Date.now() / 1000,
  };
  await ensureDefaultEnvironment(state);
  return { state, nats };
}

async function ensureDefaultEnvironment({ environments, now }: State): Promise<void> {
  if (environments.values().some((environment) => environment.isDefault)) return;
  const environmentId = newId('environment');
  const fresh = {
    environmentId,
    name: DEFAULT_ENVIRONMENT,
    isDefault: true,
    imageBuilderVersion: BUILDER_VERSION,
    createdAt: now(),
  };
  await environments.put(DEFAULT_ENVIRONMENT, control.Environment.create(fresh));
}
