import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, type Finished, type Platform, repository, startPlatform } from '@portico/testing';
import { openGrpcCall } from '../src/grpc.ts';
import { type Ask, ask, type Reply } from '../src/http.ts';
import { openImageRegistry } from '../src/image-registry.ts';

const GUARDED = 'local--servers-guarded';
const OPEN = 'local--servers-open';
const PAIR = 'local--servers-pair';
const GRPC = 'local--servers-grpc';
const NONE_READY = 'modal-http: no container is ready';

let platform: Platform;
let deployed: Finished;

before(async () => {
  platform = await startPlatform();
  deployed = await platform.modal('deploy', join(repository, 'e2e/apps/servers.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform?.[Symbol.asyncDispose]());

const log = async (app: string): Promise<string> => (await platform.modal('app', 'logs', app)).output;

/** Nobody waits for a server: until a container is ready every answer is a 503 that says so. */
async function served(label: string, options?: Ask): Promise<Reply> {
  const first = await ask(platform, label, '/', options);
  assert.deepEqual([first.status, first.text, first.headers['retry-after']], [503, NONE_READY, '1']);
  let reply = first;
  await eventually(`${label} serves`, async () => {
    reply = await ask(platform, label, '/', options);
    if (reply.status !== 200) assert.deepEqual([reply.status, reply.text], [503, NONE_READY]);
    return reply.status === 200;
  });
  return reply;
}

test('a server asks for a proxy token, and wakes at the first request', async () => {
  const missing = await ask(platform, GUARDED);
  assert.deepEqual([missing.status, missing.text], [401, 'modal-http: missing credentials for proxy authorization']);
  const { output } = await platform.portico('token', 'create', '--proxy');
  const [key = '', secret = ''] = [/wk-\w+/.exec(output)?.[0], /ws-\w+/.exec(output)?.[0]];
  const headers = { 'modal-key': key, 'modal-secret': secret };
  const { text } = await served(GUARDED, { headers });
  assert.match(text, /^\S+ blue \/$/);
});

test('an unauthenticated server answers 429 over its max_concurrency, and is told what is ignored', async () => {
  assert.match(deployed.output, /cloud= and region= are ignored/);
  assert.doesNotMatch(deployed.output, /h2_enabled/);
  await served(OPEN);
  const replies = await Promise.all(Array.from({ length: 6 }, () => ask(platform, OPEN, '/slow')));
  const refused = replies.filter(({ status }) => status === 429);
  assert.equal(replies.filter(({ status }) => status === 200).length, 2);
  assert.equal(refused.length, 4);
  for (const { text, headers } of refused) {
    assert.equal(text, 'modal-http: every container of this server is at its max_concurrency (2)');
    assert.equal(headers['retry-after'], '1');
  }
});

test('requests with one affinity key reach one container of a server; those with many keys reach all', async () => {
  const containerOf = async (headers: Ask['headers'] = {}): Promise<string> => {
    const { status, text } = await ask(platform, PAIR, '/', { headers });
    return status === 200 ? (text.split(' ')[0] ?? '') : '';
  };
  const all = new Set<string>();
  await eventually('both containers serve', async () => {
    // Alone, each would go to the first of them.
    for (const container of await Promise.all(Array.from({ length: 8 }, () => containerOf()))) all.add(container);
    all.delete('');
    return all.size === 2;
  });
  for (const name of ['modal-routing-affinity-key', 'modal-session-id']) {
    const preferred = new Set<string>();
    for (let key = 0; key < 24; key++) {
      const seen = await Promise.all(Array.from({ length: 5 }, () => containerOf({ [name]: `session ${key}` })));
      assert.equal(new Set(seen).size, 1, `${seen}`);
      preferred.add(seen[0] ?? '');
    }
    assert.deepEqual(preferred, all);
  }
});

test('a server that speaks HTTP/2 gets its requests as HTTP/2: gRPC, with trailers and streams both ways', async () => {
  const session = connect(`http://127.0.0.1:${platform.httpPort}`);
  const call = (method: string, extra = {}) =>
    openGrpcCall(session, `${GRPC}.localhost`, `/test.Service/${method}`, extra);
  try {
    await eventually('it serves', async () => (await call('Shout').end('wake up')).status === 200);
    const shout = await call('Shout', { 'x-says': 'hi' }).end('hello');
    assert.deepEqual([shout.messages, shout.trailers['grpc-status'], shout.trailers['x-told']], [['HELLO'], '0', 'hi']);
    const refused = await call('Refuse').end('x');
    assert.deepEqual(refused.messages, []);
    assert.deepEqual(
      [refused.trailers['grpc-status'], refused.trailers['grpc-message']],
      ['5', 'nothing of that name'],
    );
    const echo = call('Echo');
    for (const message of ['one', 'two', 'x'.repeat(300_000)]) assert.equal(await echo.ask(message), message);
    assert.deepEqual((await echo.end()).trailers['grpc-status'], '0');
    const many = await Promise.all(Array.from({ length: 50 }, (_, i) => call('Shout').end(`n${i}`)));
    assert.deepEqual(
      many.map(({ messages }) => messages[0]),
      many.map((_, i) => `N${i}`),
    );
  } finally {
    session.destroy();
  }
});

test('a server on 127.0.0.1 and one that never listens are told so after their startup_timeout', async () => {
  for (const [label, why] of [
    ['local--servers-inward', /listens on 127\.0\.0\.1:8000 only.*0\.0\.0\.0/],
    ['local--servers-deaf', /Nothing listened on port 8000 within 3 seconds/],
  ] as const) {
    assert.equal((await ask(platform, label)).status, 503);
    await eventually('the log says why', async () => why.test(await log('servers')), { withinMs: 30_000 });
  }
});

test('a web server on 127.0.0.1 and one that never listens are told so, to the caller and in the log', async () => {
  const inward = await ask(platform, 'local--servers-inward-web');
  assert.equal(inward.status, 500);
  assert.match(inward.text, /listens on 127\.0\.0\.1:8000 only.*Bind it to 0\.0\.0\.0/);
  const deaf = await ask(platform, 'local--servers-deaf-web');
  assert.equal(deaf.status, 500);
  assert.match(deaf.text, /Nothing listened on port 8000 within 2 seconds/);
});

test('a server that is stopped ends the requests it has within its exit_grace_period, and runs its exit hook', async () => {
  const { output } = await platform.portico('token', 'create', '--proxy');
  const [key = '', secret = ''] = [/wk-\w+/.exec(output)?.[0], /ws-\w+/.exec(output)?.[0]];
  const headers = { 'modal-key': key, 'modal-secret': secret };
  await eventually('it serves', async () => (await ask(platform, GUARDED, '/', { headers })).status === 200);
  const slow = ask(platform, GUARDED, '/slow', { headers });
  await eventually('the request runs', async () => (await log('servers')).includes('a slow request has begun'));
  const { exitCode, output: said } = await platform.modal('app', 'stop', 'servers', '--yes');
  assert.equal(exitCode, 0, said);
  assert.equal((await ask(platform, GUARDED)).status, 404);
  assert.match((await slow).text, /blue \/slow$/);
  // It is told to end when its grace is over, ten seconds after the stop.
  const hasRun = async (): Promise<boolean> => (await log('servers')).includes('the exit hook has run');
  await eventually('the exit hook has run', hasRun, { withinMs: 30_000 });
});

/** Perl is on every Debian; a folder with it and what it needs is an image without Python. */
async function imageFolder(): Promise<string> {
  const folder = join(platform.home, 'plain');
  const shell = promisify(execFile);
  const { stdout: libraries } = await shell('ldd', ['/usr/bin/perl']);
  const { stdout: modules } = await shell('perl', ['-e', 'print grep { m{perl-base$} } @INC']);
  const files = ['/usr/bin/perl', modules, ...[...libraries.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '')];
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(file, join(folder, file), { recursive: true, dereference: true });
  }
  await writeFile(
    join(folder, 'serve.pl'),
    `use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 5, ReuseAddr => 1) or die $!;
print STDERR "listening on $ENV{PORT}\\n";
while (my $client = $server->accept) {
  my $line = <$client>;
  while (my $rest = <$client>) { last if $rest eq "\\r\\n" }
  my $body = "$ENV{GREETING} from perl: " . join(" ", @ARGV);
  print $client "HTTP/1.1 200 OK\\r\\ncontent-length: " . length($body) . "\\r\\nconnection: close\\r\\n\\r\\n$body";
  close $client;
}
`,
  );
  return folder;
}

test('an image without Python serves with its own program', async () => {
  const config = { Entrypoint: ['/usr/bin/perl', '/serve.pl'], Cmd: ['as', 'built'], Env: ['PORT=8099'] };
  await using registry = await openImageRegistry(await imageFolder(), config);
  const deploy = (...args: string[]): Promise<Finished> =>
    platform.modal('server', 'deploy', '--image', `${registry.host}/team/plain:v1`, '--port', '8099', ...args);
  const first = await deploy('--unauthenticated', '--env-var', 'GREETING=hello');
  assert.equal(first.exitCode, 0, first.output);
  const url = /https?:\/\/(\S+?)\.localhost/.exec(first.output)?.[1] ?? '';
  assert.equal((await served(url)).text, 'hello from perl: as built');
  assert.match(await log('plain'), /listening on 8099/);
  const second = await deploy('--unauthenticated', '--env-var', 'GREETING=hello', '--cmd', 'as asked', '--yes');
  assert.equal(second.exitCode, 0, second.output);
  await eventually('the new version serves', async () => {
    const { status, text } = await ask(platform, url);
    assert.equal(status, 200, text);
    return text === 'hello from perl: as asked';
  });
  const logs = await platform.modal('server', 'logs', 'plain/Server');
  assert.equal(logs.exitCode, 0, logs.output);
  assert.match(logs.output, /listening on 8099/);
  const info = await platform.modal('server', 'info', 'plain/Server');
  assert.equal(info.exitCode, 0, info.output);
});
