import { hostname } from 'node:os';
import { auth, buckets, nodeAgent, router, subjects } from '@portico/contracts';
import { type Credentials, openCredentials } from '@portico/credentials';
import { serveAll, serveGrpc } from '@portico/grpc';
import { connectNats, type Nats, openView, publish, type View } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import { openCertificate } from './adapters/certificate.ts';
import { countRouters } from './adapters/count-routers.ts';
import { createLoadReporter } from './adapters/load-reporter.ts';
import { observePools } from './adapters/observe-pools.ts';
import { answerForBroken, createPools } from './adapters/pools.ts';
import { writerOf } from './adapters/record-ring.ts';
import { startRequestTeller } from './adapters/tell-requests.ts';
import type { Config } from './config.ts';
import { createAdmission } from './domain/admission.ts';
import type { DecisionNeeds } from './domain/decide-target.ts';
import { createLimitsInForce, type LimitsInForce } from './domain/limits-in-force.ts';
import type { Pool } from './domain/pool.ts';
import { createRouteTable } from './domain/route-table.ts';
import { createTimerWheel, type TimerWheel } from './domain/timer-wheel.ts';
import { explain } from './grpc/explain-host.ts';
import { type PublicServer, servePublic } from './http/serve-public.ts';
import { createUpstreamPool } from './http/upstream-pool.ts';
import { createWaitingResults } from './http/waiting-results.ts';
import type { Surroundings } from './surroundings.ts';

/** A container that is set aside drains long before, unless nobody has heard that it should. */
const SET_ASIDE_MS = 30_000;

/** Everything the router is made of, in the order in which it opens. */
export async function startRouter(config: Config, { opened, log }: ServiceContext): Promise<PublicServer> {
  const nats = opened.use(await connectNats(config.nats, log));
  const credentials = opened.use(await openCredentials(nats, `unix://${socketOf(config.home, 'auth')}`, log));
  const routes = createRouteTable();
  const pools = createPools(() => undefined);
  opened.use(await openView(nats, buckets.live, { log, onChange: ({ key, value }) => routes.apply(key, value) }));
  const limits = await openLimits(nats, config, { opened, log });
  const upstreams = opened.use(createUpstreamPool());
  const containers = opened.use(
    await openView(nats, buckets.containers, {
      log,
      onChange(change, before) {
        pools.onContainer(change, before);
        // A container that drains must not wait for connections that nobody will use.
        if (change.value?.state !== nodeAgent.ContainerState.READY) upstreams.closeIdle(before?.addresses ?? []);
      },
    }),
  );
  const routerId = `${hostname()}${config.home}`;
  const reporter = opened.use(createLoadReporter(nats, pools, routerId));
  opened.use(countRouters(nats, limits, reporter, { routerId, log }));
  const timers = opened.use(createTimerWheel());
  const { resultsMax: max, resultExpiryMs: expiryMs } = config.limits;
  const results = opened.use(createWaitingResults({ timers, max, expiryMs }));
  observePools(pools, results);
  // Nothing is noted of requests when nobody is told.
  const records = config.otlpEndpoint ? writerOf(opened.use(startRequestTeller()).openRing()) : undefined;
  const around: Surroundings = {
    routes,
    poolOf: pools.of,
    verify: verifierOf(credentials),
    admission: createAdmission(limits),
    limits: config.limits,
    upstreams,
    results,
    timers,
    records,
    onQueued: reporter.wake,
    onShort: reporter.wakeForMore,
    onExpired(containerId, reason) {
      const container = containers.get(containerId);
      if (container) setAside(pools.of(container.poolId), containerId, timers);
      publish(nats, subjects.containerExpired, containerId, { containerId, reason });
    },
    whyBroken: (containerId, withinMs) => whyBroken(containers, containerId, withinMs),
    log,
  };
  const api = serveAll(router.RouterServiceService, { explainHost: ({ host }) => ({ text: explain(around, host) }) });
  opened.use(await serveGrpc({ address: `unix://${socketOf(config.home, 'router')}`, apis: [api], log }));
  // Opened last: requests come only when everything else is there, and are the first to end.
  const { listen: host, httpPort: port, https } = config;
  const certificate = https && opened.use(await openCertificate(https, log));
  const secure = certificate && { port: https.port, certificate };
  const graceMs = Math.max(0, config.graceMs - 500);
  return opened.use(await servePublic({ host, port, secure, graceMs }, around));
}

/** The limits as the operator sets them; what is not set has the values of the configuration. */
async function openLimits(
  nats: Nats,
  config: Config,
  { opened, log }: Pick<ServiceContext, 'opened' | 'log'>,
): Promise<LimitsInForce> {
  const limits = createLimitsInForce(config.limits);
  opened.use(
    await openView(nats, buckets.limits, { log, onChange: ({ value }, before) => limits.apply(value, before) }),
  );
  return limits;
}

async function whyBroken(
  containers: View<nodeAgent.Container>,
  containerId: string,
  withinMs: number,
): ReturnType<Surroundings['whyBroken']> {
  const ended = () => {
    const container = containers.get(containerId);
    return !container || container.state === nodeAgent.ContainerState.EXITED ? true : undefined;
  };
  await containers.until(ended, AbortSignal.timeout(withinMs)).catch(() => undefined);
  return answerForBroken(containers.get(containerId));
}

function setAside(pool: Pool, containerId: string, timers: TimerWheel): void {
  pool.setAside(containerId);
  timers.after(SET_ASIDE_MS, () => pool.takeBack(containerId));
}

function verifierOf(credentials: Credentials): DecisionNeeds['verify'] {
  return ({ key, secret }, environmentName) => {
    const verdict = credentials.verify({ kind: auth.TokenKind.PROXY, id: key, secret, environmentName });
    if (verdict.isValid) return 'valid';
    return verdict.refusal === 'other-environment' ? 'other-environment' : 'invalid';
  };
}
