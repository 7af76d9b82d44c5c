import { once } from 'node:events';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { buckets, router, subjects } from '@portico/contracts';
import { fetchVerificationKey } from '@portico/credentials';
import { serveAll, serveGrpc } from '@portico/grpc';
import { connectNats, type Nats, openView, publish } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import { type Announcer, createAnnouncer } from './adapters/announcer.ts';
import { openCertificate } from './adapters/certificate.ts';
import { countRouters } from './adapters/count-routers.ts';
import { createLoadReporter } from './adapters/load-reporter.ts';
import { observePools } from './adapters/observe-pools.ts';
import { startRequestTeller } from './adapters/tell-requests.ts';
import type { Config } from './config.ts';
import { explain } from './grpc/explain-host.ts';
import { createReplica, type Replica } from './replica.ts';
import { allocateBlocks, createBlocks } from './shared/blocks.ts';
import type { Change, ToMain } from './threads/messages.ts';
import { type ListeningOn, type ServingThreads, startServingThreads } from './threads/serving-threads.ts';

/** The main thread's own: no request waits there. */
const NO_THREAD = -1;
const SWEEP_EVERY_MS = 10_000;

/**
 * Everything the router is made of, in the order in which it opens. Requests go through the serving threads; this one
 * talks to the other services, and tells those what they have to know.
 */
export async function startRouter(config: Config, { opened, log }: ServiceContext): Promise<ListeningOn> {
  const memory = allocateBlocks();
  const { threads, limits, listen: host } = config;
  const teller = config.otlpEndpoint ? opened.use(startRequestTeller()) : undefined;
  let hear: (message: ToMain) => void = () => undefined;
  const serving = opened.use(
    startServingThreads({
      ...{ threads, memory, limits, host, log },
      graceMs: Math.max(0, config.graceMs - 500),
      folder: join(config.home, 'run'),
      // Nothing is noted of requests when nobody is told.
      openRing: () => teller?.openRing(),
      onMessage: (message) => hear(message),
    }),
  );
  const known = createReplica({ defaults: limits, memory, threads, thread: NO_THREAD, passOn: () => undefined });
  const tell = (change: Change): void => {
    known.apply(change);
    serving.tell(change);
  };
  const nats = opened.use(await connectNats(config.nats, log));
  const announcer = createAnnouncer({
    ...{ blocks: createBlocks(memory), threads, known, tell },
    parameterSetsMax: limits.parameterSetsMax,
  });
  await follow(nats, announcer, tell, { config, opened, log });
  const routerId = `${hostname()}${config.home}`;
  const reporter = opened.use(createLoadReporter(nats, known.pools, announcer.paramsOf, routerId));
  opened.use(countRouters(nats, (count) => tell({ kind: 'routers', count }), reporter, { routerId, log }));
  hear = (message) => {
    if (message.kind === 'queued') {
      announcer.learn(message);
      reporter.wake(message);
    } else if (message.kind === 'short') reporter.wakeForMore(message);
    else if (message.kind === 'open') announcer.open(message);
    else if (message.kind === 'queue grows') reporter.reportSoon();
    else if (message.kind === 'expired') {
      const { containerId, reason } = message;
      publish(nats, subjects.containerExpired, containerId, { containerId, reason });
    }
  };
  observePools(known, serving);
  const sweeping = setInterval(() => announcer.sweep(), SWEEP_EVERY_MS);
  opened.defer(() => clearInterval(sweeping));
  await serveApi(known, { config, opened, log });
  // Last: requests come only when everything else is there, and are the first to end.
  opened.defer(() => serving.stop());
  return listen(serving, { config, opened, log });
}

type Context = Pick<ServiceContext, 'opened' | 'log'> & { readonly config: Config };

/** Follows all that the threads have to know. Returns when the first load is done. */
async function follow(
  nats: Nats,
  announcer: Announcer,
  tell: (change: Change) => void,
  { config, opened, log }: Context,
): Promise<void> {
  const key = await fetchVerificationKey(`unix://${socketOf(config.home, 'auth')}`, log);
  tell({ kind: 'verification key', key });
  const onToken = ({ key: tokenId, value: token }: { key: string; value: Parameters<typeof ofToken>[1] }): void =>
    tell(ofToken(tokenId, token));
  opened.use(await openView(nats, buckets.tokens, { log, onChange: onToken }));
  opened.use(await openView(nats, buckets.live, { log, onChange: announcer.app }));
  opened.use(await openView(nats, buckets.limits, { log, onChange: announcer.limit }));
  opened.use(await openView(nats, buckets.containers, { log, onChange: announcer.container }));
}

type TokenChange = Extract<Change, { kind: 'token' }>;

function ofToken(tokenId: string, token: TokenChange['token']): TokenChange {
  return { kind: 'token', tokenId, token };
}

async function serveApi(known: Replica, { config, opened, log }: Context): Promise<void> {
  const api = serveAll(router.RouterServiceService, { explainHost: ({ host }) => ({ text: explain(known, host) }) });
  opened.use(await serveGrpc({ address: `unix://${socketOf(config.home, 'router')}`, apis: [api], log }));
}

async function listen(serving: ServingThreads, { config, opened, log }: Context): Promise<ListeningOn> {
  const { listen: host, httpPort, https } = config;
  if (https) {
    const certificate = opened.use(await openCertificate(https, log));
    serving.tell({ kind: 'certificate', pair: certificate.current });
    certificate.onChange((pair) => serving.tell({ kind: 'certificate', pair }));
  }
  for (const port of [httpPort, https?.port ?? 0]) await requireFree(host, port);
  return serving.listen(httpPort, https?.port);
}

/** Ports that threads share can be taken by any process that shares them too: that one has it already must be asked. */
async function requireFree(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await once(probe.listen({ host, port }), 'listening');
  await new Promise((resolve) => probe.close(resolve));
}
