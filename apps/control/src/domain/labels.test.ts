import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostLabelOf, type LabelParts } from './labels.ts';

const parts = (changes: Partial<LabelParts> = {}): LabelParts => ({
  workspace: 'local',
  webSuffix: '',
  appName: 'my-app',
  functionName: 'hello_world',
  customLabel: '',
  ephemeralSuffix: undefined,
  ...changes,
});

const cases: [string, LabelParts, string][] = [
  ['app and function', parts(), 'local--my-app-hello-world'],
  ['the environment', parts({ webSuffix: 'dev' }), 'local-dev--my-app-hello-world'],
  ['a method of a class', parts({ functionName: 'Server.files' }), 'local--my-app-server-files'],
  ['an ephemeral app', parts({ ephemeralSuffix: '' }), 'local--my-app-hello-world-dev'],
  ['an ephemeral app of a named developer', parts({ ephemeralSuffix: 'ada' }), 'local--my-app-hello-world-ada'],
  ['a custom label', parts({ customLabel: 'api' }), 'local--api'],
  ['a custom label while developing', parts({ customLabel: 'api', ephemeralSuffix: '' }), 'local--api-dev'],
];
for (const [name, given, expected] of cases)
  test(`the host of ${name}`, () => assert.equal(hostLabelOf(given).label, expected));

for (const label of ['API', 'a_b', '-a', 'a-', 'a.b', 'ä']) {
  test(`the label ${label} is refused`, () =>
    assert.throws(() => hostLabelOf(parts({ customLabel: label })), { code: 'label.illegal' }));
}

/** A small repeatable source of names. */
function* names(seed: number): Generator<string> {
  for (let state = seed; ; ) {
    let name = '';
    const length = 1 + (state % 60);
    for (let i = 0; i < length; i++) {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      name += 'abcXYZ019_.-'.charAt(state % 12);
    }
    yield name;
  }
}

test('any names give a legal label, always the same one, and keep the ending of ephemeral apps', () => {
  const source = names(42);
  const seen = new Map<string, string>();
  for (let i = 0; i < 2_000; i++) {
    const appName = source.next().value ?? '';
    const functionName = source.next().value ?? '';
    for (const ephemeralSuffix of [undefined, '']) {
      const given = parts({ appName, functionName, ephemeralSuffix });
      const { label } = hostLabelOf(given);
      assert.ok(label.length <= 63, label);
      assert.match(label, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      assert.equal(hostLabelOf(given).label, label);
      if (ephemeralSuffix === '') assert.match(label, /-dev$/);
      const other = seen.get(label);
      const key = `${appName}-${functionName}-${ephemeralSuffix}`
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-+|-+$/g, '');
      if (other !== undefined) assert.equal(other, key);
      seen.set(label, key);
    }
  }
});
