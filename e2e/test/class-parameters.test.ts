import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';

let platform: Platform;
let source: string;
let text: string;

interface Greeting {
  readonly text: string;
  readonly types: readonly string[];
  readonly extra: string;
  readonly container: string;
  readonly version: number;
}

const GREET = 'local--greeting-greeter-greet';

before(async () => {
  platform = await startPlatform({ PORTICO_PARAMETER_SETS_MAX: '4' });
  source = join(platform.home, 'greeting.py');
  text = await readFile(join(repository, 'e2e/apps/greeting.py'), 'utf8');
  await deploy(text);
});

after(() => platform?.[Symbol.asyncDispose]());

async function deploy(version: string): Promise<void> {
  await writeFile(source, version);
  const { exitCode, output } = await platform.modal('deploy', source);
  assert.equal(exitCode, 0, output);
}

async function greet(query: string, label = GREET): Promise<Greeting> {
  const reply = await ask(platform, label, `/?${query}`);
  assert.equal(reply.status, 200, reply.text);
  return JSON.parse(reply.text) as Greeting;
}

test('parameters come from the query string by their types, and the app sees the query as it was', async () => {
  const ada = await greet('name=Ada&times=2&extra=x');
  assert.deepEqual([ada.text, ada.extra], ['Hello Ada! Hello Ada!', 'x']);
  assert.deepEqual(ada.types, ['str', 'int', 'bool', 'bytes']);
  const juergen = await greet('loud=true&mark=%FF&name=J%C3%BCrgen');
  assert.equal(juergen.text, 'HELLO JÜRGENŸ');
});

test('each set of values has containers of its own, which all methods share', async () => {
  const [ada, again] = [await greet('name=Ada&times=2'), await greet('times=02&name=Ada')];
  assert.equal(ada.container, again.container);
  assert.equal((await greet('name=Ada&times=2', 'local--greeting-greeter-where')).container, ada.container);
  assert.notEqual((await greet('loud=true&mark=%FF&name=J%C3%BCrgen')).container, ada.container);
});

test('a parameter that is missing or wrong is a 400 that names it', async () => {
  const refusals = await Promise.all(
    ['', 'times=2', 'name=Ada&times=two', 'name=Ada&loud=perhaps', 'name=Ada&name=Bob'].map((query) =>
      ask(platform, GREET, `/?${query}`),
    ),
  );
  assert.deepEqual(
    refusals.map(({ status, text: said }) => [status, said.replace('modal-http: bad request: the parameter ', '')]),
    [
      [400, 'name is missing; give it in the query string, as ?name=…'],
      [400, 'name is missing; give it in the query string, as ?name=…'],
      [400, 'times must be a whole number that fits in 64 bits'],
      [400, 'loud must be true, false, 1 or 0'],
      [400, 'name is given 2 times; give it once'],
    ],
  );
});

test('a redeploy takes over the sets that are in use, before anybody asks, and fails no request', async () => {
  const before = await greet('name=Ada&times=2');
  const failures: string[] = [];
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      const reply = await ask(platform, GREET, '/?name=Ada&times=2');
      if (reply.status !== 200) failures.push(`${reply.status} ${reply.text}`);
    }
  })();
  await deploy(text.replace('VERSION = 1', 'VERSION = 2'));
  const now = await eventually('the new version answers', async () => {
    const greeting = await greet('name=Ada&times=2');
    return greeting.version === 2 ? greeting : undefined;
  });
  isOver = true;
  await load;
  assert.deepEqual(failures, []);
  assert.notEqual(now.container, before.container);
});

test('a class has as many sets at once as the operator allows, and all of them end with the app', async () => {
  await eventually('one more is refused', async () => {
    const replies = await Promise.all(
      Array.from({ length: 5 }, (_, i) => ask(platform, GREET, `/?name=Eve&times=${100 + i}`)),
    );
    return replies.find(({ status, text: said }) => status === 429 && said.includes('with 4 different values'));
  });
  assert.equal((await platform.modal('app', 'stop', 'greeting', '--yes')).exitCode, 0);
  await eventually('no container is left', async () => {
    const { output } = await platform.modal('container', 'list', '--json');
    return !output.includes('ta-');
  });
  assert.equal((await ask(platform, GREET, '/?name=Ada&times=2')).status, 404);
});
