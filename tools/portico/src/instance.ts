import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readyFileOf } from '@portico/service';
import { natsNameOf } from './adapters/nats-folder.ts';
import { endProcess, isAlive } from './adapters/process-table.ts';
import type { Config } from './config.ts';
import { logFileOf, stateFileOf } from './make-plan.ts';
import type { Plan, ProcessState, SupervisorState } from './plan.ts';

/** What the supervisor of this home says of itself; undefined when none runs. */
export function runningSupervisor(home: string): SupervisorState | undefined {
  const state = readState(home);
  return state && isAlive(state.supervisor) ? state : undefined;
}

/** What a supervisor left behind, whether it runs or not. */
export function readState(home: string): SupervisorState | undefined {
  try {
    return JSON.parse(readFileSync(stateFileOf(home), 'utf8')) as SupervisorState;
  } catch {
    return undefined;
  }
}

/** Makes the folders of an instance; only root may look into them. */
export async function prepareHome(home: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o711 });
  for (const folder of ['run', 'keys', 'logs']) await mkdir(join(home, folder), { recursive: true, mode: 0o700 });
}

/** Writes the plan and starts the supervisor in a session of its own, so that it outlives the terminal. */
export async function startSupervisor(config: Config, plan: Plan): Promise<void> {
  const planFile = await writePlan(config, plan);
  const log = openSync(logFileOf(config.home, 'supervisor'), 'a', 0o600);
  const args = ['--max-semi-space-size=1', '--max-old-space-size=64', supervisorProgram(config), planFile];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log], env: {}, cwd: '/' });
  closeSync(log);
  child.unref();
}

export async function writePlan(config: Config, plan: Plan): Promise<string> {
  const file = join(config.home, 'run', 'plan.json');
  await writeFile(file, JSON.stringify(plan), { mode: 0o600 });
  return file;
}

function supervisorProgram({ root }: Config): string {
  return join(root, 'tools', 'portico', 'dist', 'supervisor-main.js');
}

/** What the supervisor needs beyond its services: NATS stops after them. */
const SUPERVISOR_GRACE_MS = 20_000;

/** Ends the supervisor and everything it started. */
export async function stopSupervisor({ home, stopGraceMs }: Pick<Config, 'home' | 'stopGraceMs'>): Promise<void> {
  const state = readState(home);
  if (!state) return;
  await endProcess(state.supervisor, stopGraceMs + SUPERVISOR_GRACE_MS);
  // It normally has ended these; one that was killed has not.
  await Promise.all(state.processes.map(({ process }) => process && endProcess(process, 5_000)));
}

/** Whether a process is up and does its work. */
export async function isReady(home: string, { name, process }: ProcessState): Promise<boolean> {
  if (!process || !isAlive(process)) return false;
  if (name === 'nats') return answersAs(natsNameOf(home), Number(readText(join(home, 'nats', 'port'))));
  return Number(readText(readyFileOf(home, name))) === process.pid;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** A NATS server says its name first; one with another name belongs to somebody else. */
function answersAs(serverName: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 });
    const end = (isOurs: boolean): void => {
      socket.destroy();
      resolve(isOurs);
    };
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', (greeting: Buffer) => end(greeting.includes(`"server_name":"${serverName}"`)));
  });
}
