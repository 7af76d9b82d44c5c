import assert from 'node:assert/strict';
import { test } from 'node:test';
import { autoscaler } from '@portico/contracts';
import { type Action, reconcile } from './reconcile.ts';

const { RUN, DRAIN } = autoscaler.Desired;
const placed = (containerId: string, changes: Partial<autoscaler.Placement> = {}) =>
  autoscaler.Placement.create({ containerId, desired: RUN, ...changes });
const running = (containerId: string, isDraining = false) => ({ containerId, isDraining });
const show = (action: Action): string =>
  action.do === 'start'
    ? `start ${action.placement.containerId}`
    : `${action.isNow ? 'kill' : 'drain'} ${action.containerId}`;

const cases: [string, autoscaler.Placement[], { containerId: string; isDraining: boolean }[], string[], string[]][] = [
  ['nothing wanted, nothing there', [], [], [], []],
  ['wanted and missing', [placed('a')], [], [], ['start a']],
  ['wanted and there', [placed('a')], [running('a')], [], []],
  ['wanted but it has ended: the autoscaler decides', [placed('a')], [], ['a'], []],
  ['to be drained', [placed('a', { desired: DRAIN })], [running('a')], [], ['drain a']],
  ['draining already', [placed('a', { desired: DRAIN })], [running('a', true)], [], []],
  ['draining, but now at once', [placed('a', { desired: DRAIN, stopNow: true })], [running('a', true)], [], ['kill a']],
  ['to be drained before it started', [placed('a', { desired: DRAIN })], [], [], []],
  ['there but not wanted', [], [running('a')], [], ['drain a']],
];

for (const [name, wanted, actual, ended, expected] of cases) {
  test(name, () => assert.deepEqual(reconcile(wanted, actual, (id) => ended.includes(id)).map(show), expected));
}
