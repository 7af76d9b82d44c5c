import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buckets, domains } from '@portico/contracts';
import { connectGrpc } from '@portico/grpc';
import { connectNats, openView } from '@portico/messaging';
import { eventually, natsServer, silentLog } from '@portico/testing';
import { startDomains } from '../src/domains.ts';

test('the base domain in force is the configured one, and custom names are refused with a sentence', async () => {
  await using server = await natsServer();
  await using cleanup = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'portico-domains-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, 'run'));
  const config = {
    home,
    nats: server.optionsOf('domains'),
    workspace: 'local',
    logLevel: 'silent',
    otlpEndpoint: undefined,
    graceMs: 1_000,
  };
  const context = { log: silentLog, stopping: new AbortController().signal };
  {
    await using opened = new AsyncDisposableStack();
    await startDomains({ ...config, baseDomain: 'old.example' }, { ...context, opened });
  }
  await using opened = new AsyncDisposableStack();
  await startDomains({ ...config, baseDomain: 'apps.example' }, { ...context, opened });
  await using nats = await connectNats(server.optionsOf('router'), silentLog);
  await using view = await openView(nats, buckets.domains, { log: silentLog });
  await eventually(
    'only the configured base domain is there',
    () => view.size === 1 && view.get('apps.example')?.kind === domains.DomainKind.BASE,
  );
  await using client = connectGrpc(domains.DomainServiceService, `unix://${home}/run/domains.sock`);
  const { refusal } = await client.checkCustomDomains({ names: ['api.example.com'] }, { deadlineMs: 2_000 });
  assert.match(refusal, /api\.example\.com.*not served by Portico yet/);
  assert.equal((await client.checkCustomDomains({ names: [] }, { deadlineMs: 2_000 })).refusal, '');
});
