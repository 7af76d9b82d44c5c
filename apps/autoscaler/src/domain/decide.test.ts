import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from './decide.ts';
import type { PoolContainer, PoolState } from './pool-state.ts';

const NOW = 1_000_000;

function container(containerId: string, changes: Partial<PoolContainer> = {}): PoolContainer {
  return { containerId, state: 'ready', inFlight: 0, lastBusyMs: NOW, ...changes };
}

function pool(
  changes: Partial<Omit<PoolState, 'settings'>> & { settings?: Partial<PoolState['settings']> } = {},
): PoolState {
  const { settings, ...rest } = changes;
  return {
    poolId: 'po-1',
    role: { kind: 'current', predecessor: undefined },
    containers: [],
    inFlight: 0,
    queued: 0,
    failures: { count: 0, lastMs: 0 },
    recentPeak: (rest.inFlight ?? 0) + (rest.queued ?? 0),
    isLoadKnown: true,
    ...rest,
    settings: {
      minContainers: 0,
      maxContainers: 100,
      bufferContainers: 0,
      scaledownWindowMs: 60_000,
      targetConcurrency: 1,
      ...settings,
    },
  };
}

const idleLong = { lastBusyMs: NOW - 60_000 };
const previous = (isSuccessorReady: boolean) => ({ kind: 'previous', isSuccessorReady }) as const;
const withPredecessor = (alive: number, busy: number) => ({ kind: 'current', predecessor: { alive, busy } }) as const;

const cases: [string, PoolState, { start?: number; drain?: string[]; wanted?: number }][] = [
  ['no work, no containers: nothing', pool(), { wanted: 0 }],
  ['the first waiting request starts one', pool({ queued: 1 }), { start: 1 }],
  [
    'waiting requests are shared out by the target',
    pool({ queued: 10, settings: { targetConcurrency: 4 } }),
    { start: 3 },
  ],
  [
    'running work counts like waiting work',
    pool({ inFlight: 2, queued: 1, containers: [container('a', { inFlight: 1 }), container('b', { inFlight: 1 })] }),
    { start: 1 },
  ],
  [
    'starting containers count as present',
    pool({ queued: 2, containers: [container('a', { state: 'starting' }), container('b', { state: 'starting' })] }),
    { start: 0, wanted: 2 },
  ],
  [
    'draining containers do not',
    pool({ queued: 1, containers: [container('a', { state: 'draining' })] }),
    { start: 1 },
  ],
  ['never more than max_containers', pool({ queued: 30, settings: { maxContainers: 5 } }), { start: 5 }],
  ['min_containers without any work', pool({ settings: { minContainers: 2 } }), { start: 2 }],
  [
    'buffer_containers only while there is work',
    pool({ inFlight: 1, settings: { bufferContainers: 2 }, containers: [container('a', { inFlight: 1 })] }),
    { start: 2 },
  ],
  ['no buffer without work', pool({ settings: { bufferContainers: 2 } }), { start: 0 }],
  [
    'an idle container stays within the window',
    pool({ containers: [container('a', { lastBusyMs: NOW - 59_999 })] }),
    { drain: [] },
  ],
  ['and goes after it', pool({ containers: [container('a', idleLong)] }), { drain: ['a'] }],
  [
    'a busy one stays whatever the window',
    pool({ inFlight: 1, containers: [container('a', { inFlight: 1, lastBusyMs: 0 }), container('b', idleLong)] }),
    { drain: ['b'] },
  ],
  [
    'the longest idle goes first',
    pool({
      settings: { minContainers: 1 },
      containers: [container('a', idleLong), container('b', { lastBusyMs: NOW - 90_000 })],
    }),
    { drain: ['b'] },
  ],
  [
    'a starting one that was asked for just now stays',
    pool({ containers: [container('a', { state: 'starting' })] }),
    { drain: [] },
  ],
  [
    'one that nobody waits for goes before those that are ready',
    pool({
      settings: { minContainers: 1 },
      containers: [container('a', { lastBusyMs: 0 }), container('b', { state: 'starting', ...idleLong })],
    }),
    { drain: ['b'] },
  ],
  [
    'work within the window keeps as many, although none looks busy',
    pool({ recentPeak: 2, containers: [container('a', idleLong), container('b', idleLong), container('c', idleLong)] }),
    { drain: ['a'] },
  ],
  [
    'the buffer lasts as long as the work is recent',
    pool({
      recentPeak: 1,
      settings: { bufferContainers: 1 },
      containers: [container('a', idleLong), container('b', idleLong)],
    }),
    { start: 0, drain: [] },
  ],
  [
    'nothing is idle before the routers were heard',
    pool({ isLoadKnown: false, containers: [container('a', idleLong)] }),
    { drain: [] },
  ],
  ['a failed start backs off', pool({ queued: 1, failures: { count: 1, lastMs: NOW - 999 } }), { start: 0, wanted: 1 }],
  ['then tries one', pool({ queued: 5, failures: { count: 1, lastMs: NOW - 1_000 } }), { start: 1, wanted: 5 }],
  [
    'but no second one while the first is under way',
    pool({ queued: 5, failures: { count: 1, lastMs: 0 }, containers: [container('a', { state: 'starting' })] }),
    { start: 0, wanted: 5 },
  ],
  ['the back-off doubles', pool({ queued: 1, failures: { count: 4, lastMs: NOW - 7_999 } }), { start: 0 }],
  ['and ends at a minute', pool({ queued: 1, failures: { count: 40, lastMs: NOW - 60_000 } }), { start: 1 }],
  ['a new version starts one for an idle predecessor', pool({ role: withPredecessor(3, 0) }), { start: 1 }],
  ['and as many as the predecessor keeps busy', pool({ role: withPredecessor(3, 2) }), { start: 2 }],
  ['but none for one that is gone', pool({ role: withPredecessor(0, 0) }), { start: 0 }],
  [
    'the old version serves until the new one is ready',
    pool({ role: previous(false), inFlight: 1, containers: [container('a', { inFlight: 1 })] }),
    { drain: [] },
  ],
  [
    'and never grows',
    pool({ role: previous(false), queued: 9, containers: [container('a', idleLong)] }),
    { start: 0, drain: [] },
  ],
  [
    'its min_containers hold until then',
    pool({
      role: previous(false),
      settings: { minContainers: 1 },
      containers: [container('a', idleLong), container('b', idleLong)],
    }),
    { drain: ['a'] },
  ],
  [
    'one stays for those who still wait for it',
    pool({ role: previous(true), queued: 1, containers: [container('a'), container('b', { inFlight: 1 })] }),
    { drain: ['a'] },
  ],
  [
    'and one starts if they would wait in vain',
    pool({ role: previous(true), queued: 1, containers: [container('a', { state: 'draining' })] }),
    { start: 1 },
  ],
  [
    'it stays while it is not known who waits',
    pool({ role: previous(true), isLoadKnown: false, containers: [container('a')] }),
    { drain: [] },
  ],
  [
    'then all of it drains, busy or not',
    pool({
      role: previous(true),
      containers: [
        container('a', { inFlight: 1 }),
        container('b', { state: 'starting' }),
        container('c', { state: 'draining' }),
      ],
    }),
    { drain: ['b', 'a'] },
  ],
  [
    'a stopped app loses all at once',
    pool({
      role: { kind: 'unwanted', why: 'the app is stopped' },
      queued: 4,
      containers: [container('a'), container('b', { state: 'starting' })],
    }),
    { drain: ['a', 'b'], start: 0 },
  ],
];

for (const [name, state, expected] of cases) {
  test(name, () => {
    const { wanted, start, drain } = decide(state, NOW);
    assert.deepEqual({ start, drain }, { start: expected.start ?? 0, drain: expected.drain ?? [] });
    if (expected.wanted !== undefined) assert.equal(wanted, expected.wanted);
  });
}

test('asking twice changes nothing once it was done', () => {
  const before = pool({ queued: 7, settings: { targetConcurrency: 2 } });
  const { start } = decide(before, NOW);
  const containers = Array.from({ length: start }, (_, i) => container(`c${i}`, { state: 'starting' }));
  assert.deepEqual(decide({ ...before, containers }, NOW).start, 0);
});
