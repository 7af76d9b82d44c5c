import type { MessagePort } from 'node:worker_threads';
import { nodeAgent } from '@portico/contracts';
import { createLogger } from '@portico/telemetry';
import { answerForBroken } from './adapters/pools.ts';
import { writerOf } from './adapters/record-ring.ts';
import { createTimerWheel, type TimerWheel } from './domain/timer-wheel.ts';
import { servePublic } from './http/serve-public.ts';
import { serveResults } from './http/serve-results.ts';
import { createUpstreamPool } from './http/upstream-pool.ts';
import { createWaitingResults } from './http/waiting-results.ts';
import { createReplica, type Replica } from './replica.ts';
import type { Surroundings } from './surroundings.ts';
import { createFollowedCertificate } from './threads/followed-certificate.ts';
import type { Change, Offer, ToMain, ToServing } from './threads/messages.ts';
import { createPoolOpening } from './threads/pool-opening.ts';
import type { ServingData } from './threads/serving-threads.ts';

/** A container that is set aside drains long before, unless nobody has heard that it should. */
const SET_ASIDE_MS = 30_000;
/** Waiting grows: the main thread hears of it soon, but not for each request. */
const GROWTH_EVERY_MS = 20;

/** Everything that one serving thread is made of. It does what the main thread says, in the order in which it says it. */
export async function startServing(main: MessagePort, data: ServingData): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const say = (message: ToMain): void => main.postMessage(message);
  const { around, replica, applyChange } = surround(opened, data, say);
  const certificate = createFollowedCertificate();
  opened.use(await serveResults(data.privateSockets[data.thread] ?? '', around));
  const { promise: untilStop, resolve: stop } = Promise.withResolvers<void>();
  const listen = async ({ port, httpsPort }: Extract<ToServing, { kind: 'listen' }>): Promise<void> => {
    const secure = httpsPort === undefined ? undefined : { port: httpsPort, certificate };
    const server = opened.use(await servePublic({ host: data.host, port, secure, graceMs: data.graceMs }, around));
    say({ kind: 'listening', port: server.port, httpsPort: server.httpsPort });
    globalThis.gc?.();
  };
  main.on('message', (message: ToServing) => {
    if (message.kind === 'listen') void listen(message);
    else if (message.kind === 'certificate') certificate.use(message.pair);
    else if (message.kind === 'stop') stop();
    else applyChange(message);
  });
  for (const peer of data.peers)
    peer?.on('message', ({ poolId, tried }: Offer) => replica.pools.find(poolId)?.offer(tried));
  await untilStop;
  await opened.disposeAsync();
  say({ kind: 'stopped' });
  // Nothing keeps the thread alive any more.
  main.unref();
  for (const peer of data.peers) peer?.unref();
}

interface Surrounded {
  readonly around: Surroundings;
  readonly replica: Replica;
  readonly applyChange: (change: Change) => void;
}

function surround(opened: AsyncDisposableStack, data: ServingData, say: (message: ToMain) => void): Surrounded {
  const { thread, threads, memory, limits, peers } = data;
  const replica = createReplica({
    ...{ defaults: limits, memory, threads, thread },
    passOn: (other, poolId, tried) => peers[other]?.postMessage({ poolId, tried } satisfies Offer),
  });
  const upstreams = opened.use(createUpstreamPool());
  const timers = opened.use(createTimerWheel());
  const { resultsMax: max, resultExpiryMs: expiryMs } = limits;
  const { bucketOf, pools, containers, routes, verify, admission } = replica;
  const results = opened.use(createWaitingResults({ timers, max, expiryMs, thread, bucketOf }));
  const opening = createPoolOpening(({ poolId, serializedParams }) => say({ kind: 'open', poolId, serializedParams }));
  const sayGrowth = throttled(timers, () => say({ kind: 'queue grows' }));
  const around: Surroundings = {
    ...{ routes, verify, admission, limits, upstreams, results, timers },
    findPool: pools.find,
    openPool: opening.open,
    records: data.ring && writerOf(data.ring),
    privateSockets: data.privateSockets,
    onQueued(wanted, isFirst) {
      if (isFirst) say({ kind: 'queued', ...wanted });
      else sayGrowth();
    },
    onShort: ({ poolId }, appId, traceparent) =>
      say({ kind: 'short', poolId, appId, traceparent, serializedParams: undefined }),
    onExpired(containerId, reason) {
      const pool = pools.find(containers.get(containerId)?.poolId ?? '');
      pool?.setAside(containerId);
      timers.after(SET_ASIDE_MS, () => pool?.takeBack(containerId));
      say({ kind: 'expired', containerId, reason });
    },
    whyBroken: async (containerId, withinMs) =>
      answerForBroken(await containers.until(containerId, hasEnded, withinMs)),
    log: createLogger('router', data.logLevel),
  };
  const applyChange = (change: Change): void => {
    const before = change.kind === 'container' ? containers.get(change.containerId) : undefined;
    replica.apply(change);
    opening.hear(change);
    // A container that drains must not wait for connections that nobody will use.
    if (change.kind === 'container' && change.container?.state !== nodeAgent.ContainerState.READY)
      upstreams.closeIdle(before?.addresses ?? []);
  };
  return { around, replica, applyChange };
}

function hasEnded(container: nodeAgent.Container | undefined): boolean {
  return !container || container.state === nodeAgent.ContainerState.EXITED;
}

function throttled(timers: TimerWheel, act: () => void): () => void {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    timers.after(GROWTH_EVERY_MS, () => {
      isWaiting = false;
      act();
    });
  };
}
