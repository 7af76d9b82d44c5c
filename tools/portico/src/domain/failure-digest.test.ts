import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestLine, emptyDigest } from './failure-digest.ts';

const digestOf = (...lines: string[]): readonly string[] => lines.reduce(digestLine, emptyDigest).lines;

test('a failed test is told with its place and the first lines of its error', () => {
  const lines = digestOf(
    'router: ✔ passes (1ms)',
    'router: \u001b[31m✖ failing tests:\u001b[39m',
    'router: ',
    'router: test at apps/router/test/x.test.ts:5:1',
    'router: \u001b[31m✖ answers (3ms)\u001b[39m',
    'router:   AssertionError: no',
    ...Array.from({ length: 20 }, (_, i) => `router:     at line ${i}`),
  );
  assert.deepEqual(lines.slice(0, 3), [
    '\nrouter: test at apps/router/test/x.test.ts:5:1',
    '  ✖ answers (3ms)',
    '    AssertionError: no',
  ]);
  assert.equal(lines.length, 8);
});

test('lines of other projects in between are not taken for it', () => {
  const lines = digestOf('a: test at x.ts:1:1', 'b: ✔ fine', 'a: ✖ broken (1ms)');
  assert.deepEqual(lines, ['\na: test at x.ts:1:1', '  ✖ broken (1ms)']);
});

test('a failed test in Python is told as well', () => {
  assert.deepEqual(digestOf('runner: FAIL: test_it (tests.test_x.It)', 'runner: ----'), [
    '\nrunner: FAIL: test_it (tests.test_x.It)',
    '  ----',
  ]);
});
