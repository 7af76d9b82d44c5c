import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { createFailureCounter } from './start-failures.ts';

const { READY, EXITED } = nodeAgent.ContainerState;
const { STARTUP_FAILED, STOPPED, CRASHED } = nodeAgent.ExitReason;

function container(changes: Partial<nodeAgent.Container>): nodeAgent.Container {
  return nodeAgent.Container.create({ poolId: 'po-1', ...changes });
}

const failedAt = (enqueuedAt: number, finishedAt: number): nodeAgent.Container =>
  container({ state: EXITED, exitReason: STARTUP_FAILED, enqueuedAt, finishedAt });
const crashed = (readyAt: number, finishedAt: number): nodeAgent.Container =>
  container({ state: EXITED, exitReason: CRASHED, wasReady: true, enqueuedAt: readyAt - 1, readyAt, finishedAt });

const FAR = 1_000_000_000;
const cases: [string, nodeAgent.Container[], number][] = [
  ['nothing happened', [], 0],
  ['one start failed', [failedAt(1, 2)], 1],
  ['three failed one after the other', [failedAt(1, 2), failedAt(3, 4), failedAt(6, 7)], 3],
  ['starts at the same time are one try', [failedAt(1, 2), failedAt(1, 2.1), failedAt(1, 3)], 1],
  ['one that became ready ends the row', [failedAt(1, 2), container({ state: READY })], 0],
  ['one that was told to stop says nothing', [container({ state: EXITED, exitReason: STOPPED })], 0],
  ['one early crash after ready is replaced at once', [crashed(10, 11)], 0],
  ['a row of them is a loop', [crashed(10, 11), crashed(13, 14), crashed(16, 17)], 2],
  ['a crash after a good while is no loop', [crashed(10, 11), crashed(13, 14), crashed(16, 90), crashed(100, 101)], 0],
];

for (const [name, seen, expected] of cases) {
  test(`${name}: ${expected} failed`, () => {
    const failures = createFailureCounter();
    for (const one of seen) failures.saw(one, FAR);
    assert.equal(failures.of('po-1').count, expected);
  });
}

test('a new deployment and a pool that is gone start from nothing', () => {
  const failures = createFailureCounter();
  failures.saw(failedAt(1, 2), FAR);
  assert.equal(failures.of('po-1').lastMs, 2_000);
  failures.reset('po-1');
  assert.equal(failures.of('po-1').count, 0);
  failures.saw(failedAt(1, 2), FAR);
  failures.keepOnly(new Set(['po-2']));
  assert.equal(failures.of('po-1').count, 0);
});
