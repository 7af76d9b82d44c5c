import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedSuffix, suffixOfName } from './environment-names.ts';
import { hostLabelOf, type LabelParts } from './labels.ts';

const CASES = 20_000;
/** What may be in names: letters that lower case makes two of, dashes in rows, nothing that a host name has. */
const LETTERS = [
  'a',
  'b',
  'Z',
  '0',
  '9',
  '-',
  '--',
  '_',
  '.',
  ' ',
  'ä',
  'ß',
  'İ',
  'K',
  '世',
  '🎉',
  'dev',
  '-dev',
  'x'.repeat(30),
];
const LEGAL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

type Random = (below: number) => number;

/** Always the same numbers for the same seed. */
function randoms(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function pick<T>(random: Random, all: readonly [T, ...T[]]): T {
  return all[random(all.length)] ?? all[0];
}

function name(random: Random): string {
  return Array.from({ length: 1 + random(6) }, () => LETTERS[random(LETTERS.length)]).join('');
}

function anyParts(random: Random): LabelParts {
  return {
    workspace: pick(random, ['local', 'a', 'a-b', 'w'.repeat(32)]),
    webSuffix: random(2) === 0 ? '' : suffixOfName(`e${name(random)}`),
    appName: name(random),
    functionName: name(random),
    customLabel: random(4) === 0 ? pick(random, ['api', 'a--b', 'api-dev', 'l'.repeat(80), `${'l'.repeat(80)}m`]) : '',
    ephemeralSuffix: random(2) === 0 ? undefined : pick(random, ['', 'ada', 'DEV2', '12345678']),
  };
}

const normalised = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');

/** The whole name as the rule writes it, before anything is cut; undefined if it leaves nothing of the names. */
function writtenName(parts: LabelParts): string | undefined {
  const label = parts.customLabel || normalised(`${parts.appName}-${parts.functionName}`);
  const source = parts.webSuffix ? `${parts.workspace}-${parts.webSuffix}` : parts.workspace;
  const ending = parts.ephemeralSuffix === undefined ? '' : `-${parts.ephemeralSuffix.toLowerCase() || 'dev'}`;
  return label ? `${source}--${label}${ending}` : undefined;
}

function each(seed: number, check: (parts: LabelParts, label: string) => void): void {
  const random = randoms(seed);
  for (let i = 0; i < CASES; i++) {
    const parts = anyParts(random);
    try {
      check(parts, hostLabelOf(parts).label);
    } catch (error) {
      throw new Error(`seed ${seed}, case ${i}: ${JSON.stringify(parts)}`, { cause: error });
    }
  }
}

test('whatever the names, the label is legal, of 63 characters at most, and always the same', () =>
  each(1, (parts, label) => {
    assert.match(label, LEGAL);
    assert.equal(hostLabelOf({ ...parts }).label, label);
    assert.ok(!label.startsWith('xn--'), label);
  }));

test('two that share a label are written in the same way', () => {
  const seen = new Map<string, string>();
  each(2, (parts, label) => {
    const written = writtenName(parts) ?? JSON.stringify(parts);
    assert.equal(seen.get(label) ?? written, written, label);
    seen.set(label, written);
  });
  assert.ok(seen.size > CASES / 4, String(seen.size));
});

/** A label that is cut keeps its ending apart: `x-dev` that is deployed and `x` that is served differ then. */
test('two that are written in the same way, with the same ending, share a label', () => {
  const seen = new Map<string, string>();
  each(3, (parts, label) => {
    const written = writtenName(parts);
    if (written === undefined) return;
    const key = `${written} ${parts.ephemeralSuffix?.toLowerCase()}`;
    assert.equal(seen.get(key) ?? label, label);
    seen.set(key, label);
  });
});

test('what fits is not cut, what is cut says so and keeps its beginning and its ending', () =>
  each(4, (parts, label) => {
    const written = writtenName(parts);
    if (!written) return;
    const { isTruncated } = hostLabelOf(parts);
    assert.equal(isTruncated, written.length > 63);
    if (!isTruncated) return assert.equal(label, written);
    assert.ok(written.startsWith(label.slice(0, 30)), label);
    assert.match(label, /-[0-9a-f]{6}(-[a-z0-9]{1,8})?$/);
    if (parts.ephemeralSuffix === '') assert.match(label, /-[0-9a-f]{6}-dev$/);
  }));

test('long names that differ anywhere get different labels', () => {
  const random = randoms(5);
  const labels = new Set<string>();
  const beginning = 'a-long-name-that-is-the-same-for-all-of-them-and-goes-on-and-on-';
  const names = new Set(Array.from({ length: 500 }, (_, i) => `${beginning}${i}-${random(10)}`));
  for (const functionName of names)
    for (const ephemeralSuffix of [undefined, '', 'ada'])
      labels.add(hostLabelOf({ ...anyParts(random), ...FIXED, functionName, ephemeralSuffix }).label);
  assert.equal(labels.size, names.size * 3);
});

const FIXED = { workspace: 'local', webSuffix: '', appName: 'app', customLabel: '' };

test('an ephemeral app never has the label of the same function deployed, nor that of another developer', () =>
  each(6, (parts) => {
    const labels = [undefined, '', 'ada', 'bob'].map(
      (ephemeralSuffix) => hostLabelOf({ ...parts, ephemeralSuffix }).label,
    );
    assert.equal(new Set(labels).size, labels.length, labels.join());
  }));

test('environments with different suffixes never share a label', () => {
  const suffixes = ['', 'a', 'b', 'a-b', 'dev', 's'.repeat(32)];
  each(7, (parts) => {
    const labels = suffixes.map((webSuffix) => hostLabelOf({ ...parts, webSuffix }).label);
    assert.equal(new Set(labels).size, labels.length, labels.join());
  });
});

test('names without any letter or digit of a host name have labels, and different ones', () => {
  const names: [string, string][] = [
    ['_', '_'],
    ['_', '__'],
    ['.', '_'],
    ['--', '世界'],
    ['--', '你好'],
  ];
  const labels = names.map(
    ([appName, functionName]) => hostLabelOf({ ...FIXED, appName, functionName, ephemeralSuffix: undefined }).label,
  );
  assert.equal(new Set(labels).size, names.length);
  for (const label of labels) assert.match(label, LEGAL);
});

test('the suffix that a new environment gets is one that it may have', () => {
  const random = randoms(8);
  for (let i = 0; i < CASES; i++) {
    const made = suffixOfName(`e${name(random)}${name(random)}`);
    checkedSuffix(made);
    assert.notEqual(made, '');
  }
});

for (const suffix of ['a--b', '-a', 'a-', 'A', 'a_b', 'ä', 'a'.repeat(33)])
  test(`the web suffix ${suffix} is refused`, () =>
    assert.throws(() => checkedSuffix(suffix), { code: 'environment.bad_suffix' }));

for (const ephemeralSuffix of ['a-b', 'a_b', 'ä', '123456789', 'a.b', '-'])
  test(`the suffix ${ephemeralSuffix} of a developer is refused`, () =>
    assert.throws(() => hostLabelOf({ ...anyParts(randoms(9)), ephemeralSuffix }), {
      code: 'label.illegal',
      message: /can't be part of a host name/,
    }));
