import assert from 'node:assert/strict';
import { test } from 'node:test';
import { autoscaler, control, nodeAgent } from '@portico/contracts';
import { type PlacementFacts, verdictOf } from './over.ts';

const NOW = 1_000_000;
const { RUN, DRAIN } = autoscaler.Desired;
const { READY, EXITED } = nodeAgent.ContainerState;

const placed = (changes: Partial<autoscaler.Placement> = {}): autoscaler.Placement =>
  autoscaler.Placement.create({
    desired: RUN,
    enqueuedAt: 1,
    pool: control.PoolSpec.create({ timeoutMs: 300_000 }),
    ...changes,
  });
const node = (leaseUntilMs: number): nodeAgent.Node => nodeAgent.Node.create({ leaseUntil: leaseUntilMs / 1000 });
const report = (state: nodeAgent.ContainerState): nodeAgent.Container => nodeAgent.Container.create({ state });

const usual: PlacementFacts = {
  placement: placed(),
  report: report(READY),
  node: node(NOW + 5_000),
  drainingSinceMs: undefined,
  listeningSinceMs: 0,
};
const draining = (sinceMs: number): Partial<PlacementFacts> => ({
  placement: placed({ desired: DRAIN }),
  drainingSinceMs: sinceMs,
});

const cases: [string, Partial<PlacementFacts>, 'keep' | 'remove' | 'lost' | 'kill'][] = [
  ['a container that runs', {}, 'keep'],
  ['one that has not been reported yet', { report: undefined }, 'keep'],
  ['one that has ended', { report: report(EXITED) }, 'remove'],
  ['one whose node is dead', { node: node(NOW - 1) }, 'lost'],
  ['one whose node is unknown', { node: undefined }, 'lost'],
  ['one whose node could not be heard until now', { node: node(NOW - 1), listeningSinceMs: NOW - 9_999 }, 'keep'],
  ['one that drains', draining(NOW - 60_000), 'keep'],
  ['one that drains for longer than any request', draining(NOW - 390_000), 'kill'],
  [
    'one that is killed already',
    { ...draining(NOW - 390_000), placement: placed({ desired: DRAIN, stopNow: true }) },
    'keep',
  ],
  ['one told to stop that its node does not know', { ...draining(NOW - 10_000), report: undefined }, 'remove'],
  ['one told to stop just now', { ...draining(NOW - 9_999), report: undefined }, 'keep'],
];

for (const [name, facts, expected] of cases) {
  test(`${name}: ${expected}`, () => {
    const verdict = verdictOf({ ...usual, ...facts }, NOW);
    assert.equal(verdict.do === 'remove' && verdict.isLost ? 'lost' : verdict.do, expected);
  });
}
