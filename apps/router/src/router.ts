import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import { auth, buckets, nodeAgent, router, subjects } from '@portico/contracts';
import { type Credentials, openCredentials } from '@portico/credentials';
import { serveAll, serveGrpc } from '@portico/grpc';
import { connectNats, openView, publish } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import { createLoadReporter } from './adapters/load-reporter.ts';
import { answerForBroken, createPools } from './adapters/pools.ts';
import type { Config } from './config.ts';
import type { DecisionNeeds } from './domain/decide-target.ts';
import { createRouteTable } from './domain/route-table.ts';
import { createTokenBucket, type TokenBucket } from './domain/token-bucket.ts';
import { explain } from './grpc/explain-host.ts';
import { servePublic } from './http/front.ts';
import { serveUpgrades } from './http/upgrade.ts';
import type { Surroundings } from './surroundings.ts';

/** Everything the router is made of, in the order in which it opens. */
export async function startRouter(config: Config, { opened, log }: ServiceContext): Promise<{ port: number }> {
  const nats = opened.use(await connectNats(config.nats, log));
  const credentials = opened.use(await openCredentials(nats, `unix://${socketOf(config.home, 'auth')}`, log));
  const routes = createRouteTable();
  const pools = createPools(() => undefined);
  opened.use(await openView(nats, buckets.live, { log, onChange: ({ key, value }) => routes.apply(key, value) }));
  const containers = opened.use(await openView(nats, buckets.containers, { log, onChange: pools.onContainer }));
  const reporter = opened.use(createLoadReporter(nats, pools));
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1_024, scheduling: 'lifo' });
  opened.defer(() => agent.destroy());
  const around: Surroundings = {
    routes,
    poolOf: pools.of,
    verify: verifierOf(credentials),
    rate: createRates(config),
    limits: config.limits,
    agent,
    onQueued: reporter.wake,
    onExpired: (containerId, reason) => publish(nats, subjects.containerExpired, containerId, { containerId, reason }),
    async whyBroken(containerId, withinMs) {
      const ended = () =>
        containers.get(containerId)?.state === nodeAgent.ContainerState.EXITED || !containers.get(containerId)
          ? true
          : undefined;
      await containers.until(ended, AbortSignal.timeout(withinMs)).catch(() => undefined);
      return answerForBroken(containers.get(containerId));
    },
    log,
  };
  const api = serveAll(router.RouterServiceService, { explainHost: ({ host }) => ({ text: explain(around, host) }) });
  opened.use(await serveGrpc({ address: `unix://${socketOf(config.home, 'router')}`, apis: [api], log }));
  return serve(config, around, opened);
}

/** Opened last: requests come only when everything else is there, and are the first to end. */
async function serve(config: Config, around: Surroundings, opened: AsyncDisposableStack): Promise<{ port: number }> {
  const { limits } = config;
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: 1_000,
    noDelay: true,
    insecureHTTPParser: false,
  });
  servePublic(server, around);
  serveUpgrades(server, around);
  server.listen(config.httpPort, config.listen);
  await once(server, 'listening');
  opened.defer(async () => {
    const closed = once(server, 'close');
    server.close();
    const cut = setTimeout(() => server.closeAllConnections(), config.graceMs - 500);
    await closed;
    clearTimeout(cut);
  });
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : config.httpPort };
}

function createRates({ limits }: Config): Surroundings['rate'] {
  const buckets = new Map<string, TokenBucket>();
  return (workspace) => {
    const bucket =
      buckets.get(workspace) ?? createTokenBucket(limits.ratePerSecond, limits.rateBurst, performance.now());
    buckets.set(workspace, bucket);
    const answer = bucket.take(performance.now());
    return answer.isTaken ? 0 : answer.waitMs;
  };
}

function verifierOf(credentials: Credentials): DecisionNeeds['verify'] {
  return ({ key, secret }, environmentName) => {
    const verdict = credentials.verify({ kind: auth.TokenKind.PROXY, id: key, secret, environmentName });
    if (verdict.isValid) return 'valid';
    return verdict.refusal === 'other-environment' ? 'other-environment' : 'invalid';
  };
}
