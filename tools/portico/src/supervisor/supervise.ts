import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { endProcess, identityOf, isAlive } from '../adapters/process-table.ts';
import type { Plan, ProcessIdentity, SupervisorState } from '../plan.ts';
import { type KeptProcess, keepRunning } from './keep-running.ts';
import { rotateLog } from './rotate-log.ts';

const LOG_MAX_BYTES = 16 * 1024 * 1024;
const LOG_CHECK_MS = 5_000;

/** The processes of a plan, running. Disposing it stops them, those with stop order 0 last. */
export type Supervised = AsyncDisposable;

/** Starts everything in the plan. Undefined when another supervisor already does. */
export async function supervise(plan: Plan): Promise<Supervised | undefined> {
  const self = identityOf(process.pid);
  if (!self || !takeLock(plan.lockFile, self)) return undefined;
  await endLeftovers(plan.stateFile);
  const kept: KeptProcess[] = [];
  const writeState = (): void => {
    // Who reads the state must not take the first few for all.
    if (kept.length < plan.processes.length) return;
    const state: SupervisorState = {
      supervisor: self,
      fingerprint: plan.fingerprint,
      processes: kept.map((process_) => process_.state),
    };
    writeFileSync(`${plan.stateFile}.new`, JSON.stringify(state), { mode: 0o600 });
    renameSync(`${plan.stateFile}.new`, plan.stateFile);
  };
  for (const spec of plan.processes) kept.push(keepRunning(spec, writeState));
  writeState();
  const rotation = setInterval(() => void rotateLogs(plan), LOG_CHECK_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(rotation);
      await stopInOrder(kept);
      rmSync(plan.stateFile, { force: true });
      rmSync(plan.lockFile, { force: true });
    },
  };
}

/** The lock is a file with the identity of its holder; that of a dead one counts for nothing. */
function takeLock(file: string, self: ProcessIdentity): boolean {
  const holder = readJson<ProcessIdentity>(file);
  if (holder && isAlive(holder)) return false;
  rmSync(file, { force: true });
  try {
    writeFileSync(file, JSON.stringify(self), { flag: 'wx', mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

/** A supervisor that was killed leaves its processes behind; they make room for new ones. */
async function endLeftovers(stateFile: string): Promise<void> {
  const left = readJson<SupervisorState>(stateFile)?.processes ?? [];
  await Promise.all(left.map(({ process: identity }) => identity && endProcess(identity, 5_000)));
}

async function stopInOrder(kept: readonly KeptProcess[]): Promise<void> {
  const orders = [...new Set(kept.map(({ stopOrder }) => stopOrder))].sort((a, b) => b - a);
  for (const order of orders) {
    await Promise.all(kept.filter(({ stopOrder }) => stopOrder === order).map((process_) => process_.stop()));
  }
}

async function rotateLogs({ processes }: Plan): Promise<void> {
  for (const { logFile } of processes) await rotateLog(logFile, LOG_MAX_BYTES).catch(() => undefined);
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
