import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from './config.ts';
import { isReady, runningSupervisor } from './instance.ts';
import { lastComplaintOf } from './last-complaint.ts';
import { logFileOf } from './make-plan.ts';
import type { ProcessState } from './plan.ts';
import { sayStep } from './terminal.ts';
import { UserError } from './user-error.ts';

const CRASHES_MAX = 8;

/** Waits until every process is ready, telling each as it becomes so. */
export async function awaitReady(config: Config, { isQuiet }: { isQuiet: boolean }): Promise<void> {
  const begin = Date.now();
  const told = new Set<string>();
  for (;;) {
    const states = runningSupervisor(config.home)?.processes ?? [];
    for (const state of states) {
      if (told.has(state.name) || !(await isReady(config.home, state))) continue;
      told.add(state.name);
      if (!isQuiet) sayStep(`${state.name} is ready (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
    }
    if (states.length > 0 && told.size === states.length) return;
    const waiting = states.filter(({ name }) => !told.has(name));
    const crashed = waiting.find(({ restarts }) => restarts >= CRASHES_MAX);
    if (crashed) throw new UserError(sentenceOn(config, crashed, `keeps failing (${crashed.lastExit})`));
    if (Date.now() - begin > config.startTimeoutMs) throw new UserError(timeoutSentence(config, waiting));
    await pause(50);
  }
}

function timeoutSentence(config: Config, [first, ...others]: readonly ProcessState[]): string {
  if (!first) return `The supervisor did not start; its log is ${logFileOf(config.home, 'supervisor')}.`;
  const names = [first, ...others].map(({ name }) => name).join(', ');
  return sentenceOn(config, first, `is not ready after ${config.startTimeoutMs / 1000} s (waiting for ${names})`);
}

function sentenceOn(config: Config, { name }: ProcessState, what: string): string {
  const complaint = lastComplaintOf(logFileOf(config.home, name));
  return `${name} ${what}${complaint ? `: ${complaint}` : ''}; ./portico logs ${name} shows more.`;
}
