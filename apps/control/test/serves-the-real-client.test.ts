import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { type OfficialClient, officialClient } from '@portico/testing';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

/** As users write them: a class, a plain function, options of all kinds, files of their own. */
const SOURCE = `
import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]").add_local_dir(FOLDER, "/data")
app = modal.App("shop", image=image, secrets=[modal.Secret.from_dict({"A": "1"})])


@app.function(gpu="T4", min_containers=1)
@modal.fastapi_endpoint()
def web(x: int = VERSION):
    return x


@app.cls()
class Counter:
    @modal.fastapi_endpoint()
    def hit(self):
        return 1
`;

let control: ControlOnNats;
let client: OfficialClient;
let source: string;

before(async () => {
  control = await controlOnNats();
  client = officialClient({
    MODAL_SERVER_URL: `http://${control.sdkAddress}`,
    MODAL_TOKEN_ID: 'ak-good',
    MODAL_TOKEN_SECRET: 'as-good',
    MODAL_CONFIG_PATH: join(control.home, 'modal.toml'),
  });
  await mkdir(join(control.home, 'files'));
  // Larger than what travels inside of a message.
  await writeFile(join(control.home, 'files/large.bin'), randomBytes(5_000_000));
  await writeFile(join(control.home, 'files/small.txt'), 'small');
  source = join(control.home, 'shop.py');
});

after(() => {
  client?.killAll();
  return control?.[Symbol.asyncDispose]();
});

async function succeeds(...args: string[]): Promise<string> {
  const { exitCode, output } = await client.start(args).finished;
  assert.equal(exitCode, 0, output);
  return output;
}

async function writeVersion(version: number): Promise<void> {
  const folder = JSON.stringify(join(control.home, 'files'));
  await writeFile(source, SOURCE.replace('FOLDER', folder).replace('VERSION', String(version)));
}

test('deploy prints the URLs, and tells of an option without an effect once', async () => {
  await writeVersion(1);
  const output = await succeeds('deploy', source);
  assert.match(output, /http:\/\/local--shop-web\.localhost:8080/);
  assert.match(output, /http:\/\/local--shop-counter-hit\.localhost:8080/);
  assert.equal(output.match(/gpu= is ignored/g)?.length, 1, output);
});

test('deploy without a change says so; with one it makes the next version', async () => {
  const unchanged = await succeeds('deploy', source);
  assert.match(unchanged, /no changes|unchanged|up to date|not changed/i);
  await writeVersion(2);
  await succeeds('deploy', source);
  const history = await succeeds('app', 'history', 'shop', '--json');
  const versions = (JSON.parse(history) as Record<string, string>[]).map((row) => row['Version'] ?? row['version']);
  assert.deepEqual(versions, ['v2', 'v1']);
});

test('list, logs and stop show and do what they should', async () => {
  const { apps } = await control.client.appList({ environmentName: '' }, control.good);
  const appId = apps.find(({ name }) => name === 'shop')?.appId ?? assert.fail('the app is not listed');
  assert.match(await succeeds('app', 'list'), /shop/);
  const containerId = 'ta-01JAAAAAAAAAAAAAAAAAAAAAA0';
  const items = ['one\n', 'two\n'].map((data) => ({
    ...{ data, source: nodeAgent.LogSource.STDOUT },
    timeUnixNano: BigInt(Date.now()) * 1_000_000n,
  }));
  const batch = nodeAgent.LogBatch.create({ appId, containerId, functionId: 'fu-1', items });
  await control.neighbours.logs.publish([appId, containerId], batch);
  assert.match(await succeeds('app', 'logs', 'shop'), /one\n(.*)two\n/);
  await succeeds('app', 'stop', 'shop', '--yes');
  assert.match(await succeeds('app', 'list', '--json'), /stopped/);
});

test('a wrong token and an app that is not there are told in a sentence', async () => {
  const stranger = await client.start(['app', 'list'], { MODAL_TOKEN_SECRET: 'as-wrong' }).finished;
  assert.notEqual(stranger.exitCode, 0);
  assert.match(stranger.output, /API token is not known here/);
  const missing = await client.start(['app', 'logs', 'nothing']).finished;
  assert.notEqual(missing.exitCode, 0);
  assert.match(missing.output, /nothing/);
  assert.doesNotMatch(missing.output, /Traceback/);
});
