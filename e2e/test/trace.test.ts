import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, otlpReceiver, type ReceivedSpan, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';

/** In the order in which they begin. */
const PHASES = ['container.python', 'container.imports', 'container.code', 'container.startup', 'container.ready'];

/** Metrics that one request must have made. */
const TOLD: Record<string, readonly string[]> = {
  router: ['http.server.request.duration', 'portico.router.wait.duration', 'portico.router.queued'],
  autoscaler: ['portico.pool.wanted', 'portico.pool.containers'],
  'node-agent': ['portico.container.start.duration', 'portico.node.containers'],
  'image-builder': ['portico.build.duration', 'rpc.server.duration'],
  control: ['rpc.server.duration'],
  auth: ['rpc.server.duration'],
  domains: [],
};

test('a cold request is one trace, from the router to the start of the container', async () => {
  await using receiver = await otlpReceiver();
  await using platform = await startPlatform(receiver.environment);
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/serving.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
  const traceId = 'c01d'.repeat(8);
  const reply = await ask(platform, 'local--serving-live', '/', {
    headers: { traceparent: `00-${traceId}-${'a'.repeat(16)}-01` },
  });
  assert.equal(reply.status, 200, reply.text);
  const spans = await eventually('all spans are there', () => {
    const found = receiver.spans.filter((span) => span.traceId === traceId);
    return ['GET', 'autoscaler.place', 'node-agent.prepare', ...PHASES].every((name) =>
      found.some((span) => span.name === name),
    )
      ? found
      : undefined;
  });
  const named = (name: string): ReceivedSpan => spans.find((span) => span.name === name) ?? assert.fail(name);
  assert.deepEqual([...new Set(spans.map(({ service }) => service))].sort(), [
    'portico-autoscaler',
    'portico-control',
    'portico-image-builder',
    'portico-node-agent',
    'portico-router',
  ]);
  const request = named('GET');
  assert.equal(request.parentSpanId, 'a'.repeat(16));
  const ids = new Set(spans.map(({ spanId }) => spanId));
  for (const span of spans) {
    if (span !== request) assert.ok(ids.has(span.parentSpanId), `${span.name} hangs in the trace`);
    assert.ok(span.startMs >= request.startMs - 1 && span.endMs <= request.endMs + 1, `${span.name} is in its time`);
  }
  await eventually('every service tells of itself, and those that work tell of that', () =>
    Object.entries(TOLD).every(([service, names]) =>
      ['process.memory.usage', ...names].every((name) => receiver.metrics.get(`portico-${service}`)?.has(name)),
    ),
  );
  const steps = ['autoscaler.place', 'node-agent.prepare', ...PHASES].map(named);
  for (const [i, step] of steps.entries())
    assert.ok(i === 0 || step.startMs >= (steps[i - 1]?.startMs ?? 0), `${step.name} comes after its predecessor`);
});
