import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Config } from '../config.ts';
import { digestLine, emptyDigest, type FailureDigest } from '../domain/failure-digest.ts';
import { countLine, emptyTally, type Tally } from '../domain/test-tally.ts';
import { say } from '../terminal.ts';
import { UserError } from '../user-error.ts';

/** In this order; the bootstrap has installed and generated everything before. */
const STAGES = ['lint', 'typecheck', 'test', 'build', 'e2e'] as const;
type Stage = (typeof STAGES)[number];

/** Runs the stages (all of them if none is named) and closes with `N passed, N failed`. */
export async function test(config: Config, names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !STAGES.some((stage) => stage === name));
  if (unknown) throw new UserError(`There is no stage "${unknown}"; there are: ${STAGES.join(', ')}.`);
  const stages = STAGES.filter((stage) => names.length === 0 || names.includes(stage));
  let tally = emptyTally;
  const summary: string[] = [];
  const failures: string[] = [];
  for (const stage of stages) {
    say(`\n── ${stage} ──`);
    const begin = Date.now();
    const result = await runStage(config, stage);
    tally = { passed: tally.passed + result.tally.passed, failed: tally.failed + result.tally.failed };
    failures.push(...result.failures);
    // A stage that fails without a failed test (a lint error, a crash) counts as one failure.
    if (!result.isGood && result.tally.failed === 0) tally = { ...tally, failed: tally.failed + 1 };
    summary.push(
      `${result.isGood ? 'ok    ' : 'FAILED'}  ${stage.padEnd(10)} ${Math.round((Date.now() - begin) / 1000)} s`,
    );
  }
  if (failures.length > 0) say(`\n── failed tests ──\n${failures.join('\n')}`);
  say(`\n${summary.join('\n')}\n\n${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0 ? 0 : 1;
}

interface StageResult {
  readonly isGood: boolean;
  readonly tally: Tally;
  readonly failures: readonly string[];
}

async function runStage({ root, passedOn }: Config, stage: Stage): Promise<StageResult> {
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/.bin/nx'), 'run-many', '-t', stage, '--output-style=stream', '--parallel=2'],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...passedOn,
        PATH: `${join(process.execPath, '..')}:${passedOn['PATH'] ?? ''}`,
        // Whole platforms come and go in these tests; what they share stays with the checkout.
        PORTICO_CACHE: passedOn['PORTICO_CACHE'] ?? join(root, '.toolchain', 'cache'),
        NX_DAEMON: 'false',
        NX_TUI: 'false',
      },
    },
  );
  const closed = once(child, 'close') as Promise<[number | null]>;
  let tally = emptyTally;
  let digest: FailureDigest = emptyDigest;
  for await (const line of createInterface({ input: child.stdout })) {
    say(line);
    tally = countLine(tally, line);
    digest = digestLine(digest, line);
  }
  const [code] = await closed;
  return { isGood: code === 0, tally, failures: digest.lines };
}
