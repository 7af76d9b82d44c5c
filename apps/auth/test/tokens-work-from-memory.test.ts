import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { auth } from '@portico/contracts';
import { openCredentials } from '@portico/credentials';
import { connectGrpc } from '@portico/grpc';
import { connectNats } from '@portico/messaging';
import { eventually, natsServer, silentLog, type TestNats } from '@portico/testing';
import { startAuth } from '../src/auth.ts';

async function started(server: TestNats, home: string, opened: AsyncDisposableStack): Promise<void> {
  await mkdir(join(home, 'run'), { recursive: true });
  const config = {
    home,
    nats: server.optionsOf('auth'),
    workspace: 'local',
    logLevel: 'silent',
    otlpEndpoint: undefined,
    graceMs: 1_000,
  };
  await startAuth(config, { opened, log: silentLog, stopping: new AbortController().signal });
}

test('a token made by auth is verified elsewhere from memory, and refused within a second of its revocation', async () => {
  await using server = await natsServer();
  await using opened = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'portico-auth-'));
  opened.defer(() => rm(home, { recursive: true, force: true }));
  await started(server, home, opened);
  const address = `unix://${home}/run/auth.sock`;
  const nats = opened.use(await connectNats(server.optionsOf('router'), silentLog));
  const credentials = opened.use(await openCredentials(nats, address, silentLog));
  const client = opened.use(connectGrpc(auth.TokenServiceService, address));
  const { token, secret } = await client.createToken(
    auth.CreateTokenRequest.create({ kind: auth.TokenKind.PROXY, name: 'ci' }),
    { deadlineMs: 2_000 },
  );
  assert.ok(token);
  assert.match(token.tokenId, /^wk-[A-Za-z0-9]{22}$/);
  assert.match(secret, /^ws-[A-Za-z0-9]{22}$/);
  const presented = { kind: auth.TokenKind.PROXY, id: token.tokenId, secret };
  await eventually('the token is accepted', () => credentials.verify(presented).isValid);
  assert.equal(credentials.verify({ ...presented, secret: 'ws-wrong' }).isValid, false);
  await client.revokeToken({ tokenId: token.tokenId }, { deadlineMs: 2_000 });
  await eventually('the token is refused', () => !credentials.verify(presented).isValid, { withinMs: 1_000 });
  await assert.rejects(client.revokeToken({ tokenId: 'wk-none' }, { deadlineMs: 2_000 }), { kind: 'not-found' });
});

test('the first start leaves a working token for the operator, and the next start keeps it', async () => {
  await using server = await natsServer();
  await using cleanup = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'portico-auth-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  const path = join(home, 'keys', 'client-token.json');
  const texts: string[] = [];
  for (let start = 0; start < 2; start++) {
    await using opened = new AsyncDisposableStack();
    await started(server, home, opened);
    texts.push(await readFile(path, 'utf8'));
  }
  assert.equal(texts[0], texts[1]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(home, 'keys', 'tokens.key'))).mode & 0o777, 0o600);
});
