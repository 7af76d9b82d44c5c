import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countLine, emptyTally } from './test-tally.ts';

const tallyOf = (lines: readonly string[]) => lines.reduce(countLine, emptyTally);

test("the closing lines of node's runner are counted, with or without a project's name before them", () => {
  assert.deepEqual(tallyOf(['ℹ tests 5', 'ℹ pass 3', 'ℹ fail 1', 'ℹ cancelled 1']), { passed: 3, failed: 2 });
  assert.deepEqual(tallyOf(['\u001b[34mrouter:\u001b[39m \u001b[34mℹ pass 4\u001b[39m', 'auth: ℹ pass 2']), {
    passed: 6,
    failed: 0,
  });
});

test("the closing lines of Python's unittest are counted", () => {
  assert.deepEqual(tallyOf(['Ran 12 tests in 0.3s', '', 'OK']), { passed: 12, failed: 0 });
  assert.deepEqual(tallyOf(['Ran 12 tests in 0.3s', 'FAILED (failures=1, errors=2, skipped=1)']), {
    passed: 9,
    failed: 3,
  });
});

test('what tests print themselves is not counted', () => {
  assert.deepEqual(tallyOf(['the pass 3 was', 'FAILED (reason)', 'I Ran 3 tests']), { passed: 0, failed: 0 });
});
