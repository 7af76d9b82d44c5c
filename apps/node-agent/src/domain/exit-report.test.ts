import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { type EndOfContainer, exitReportOf } from './exit-report.ts';

const R = nodeAgent.ExitReason;
const end = (changes: Partial<EndOfContainer> = {}): EndOfContainer => ({
  exit: { exitCode: 0, isOutOfMemory: false },
  wasReady: true,
  isDraining: false,
  wasKilledByUs: false,
  isStartupTimeout: false,
  unreachable: undefined,
  failure: undefined,
  memoryLimitBytes: 128 * 1024 * 1024,
  startupTimeoutMs: 30_000,
  ...changes,
});

const cases: [string, EndOfContainer, nodeAgent.ExitReason, RegExp][] = [
  ['asked to stop', end({ isDraining: true }), R.STOPPED, /^$/],
  [
    'asked to stop, but it took a kill',
    end({ isDraining: true, wasKilledByUs: true, exit: { exitCode: 137, isOutOfMemory: false } }),
    R.KILLED,
    /^$/,
  ],
  ['out of memory', end({ exit: { exitCode: 137, isOutOfMemory: true } }), R.OUT_OF_MEMORY, /memory limit of 128 MiB/],
  [
    'an import error',
    end({ wasReady: false, failure: "ModuleNotFoundError: No module named 'x'" }),
    R.STARTUP_FAILED,
    /No module named/,
  ],
  [
    'an end before it was ready',
    end({ wasReady: false, exit: { exitCode: 3, isOutOfMemory: false } }),
    R.STARTUP_FAILED,
    /exit code 3 before/,
  ],
  [
    'too slow to start',
    end({ wasReady: false, isStartupTimeout: true, exit: { exitCode: 137, isOutOfMemory: false } }),
    R.STARTUP_TIMEOUT,
    /startup_timeout of 30 s/,
  ],
  [
    'a port that nobody reached',
    end({ wasReady: false, isStartupTimeout: true, unreachable: 'Nothing listened.' }),
    R.STARTUP_TIMEOUT,
    /^Nothing listened\.$/,
  ],
  ['sys.exit in a handler', end({ exit: { exitCode: 5, isOutOfMemory: false } }), R.CRASHED, /exit code 5 while/],
  ['a signal from outside', end({ exit: { exitCode: 139, isOutOfMemory: false } }), R.CRASHED, /signal 11/],
];

for (const [name, state, reason, message] of cases) {
  test(name, () => {
    const report = exitReportOf(state);
    assert.equal(report.reason, reason);
    assert.match(report.message, message);
  });
}
