import { spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerExit, Driver, RunSpec } from '../domain/driver.ts';
import { ociConfigOf } from '../domain/oci-config.ts';
import { run } from './command.ts';

/**
 * Containers by runc. A shell of its own session stays beside each container and writes its exit
 * code to a file: so containers outlive node-agent, and an end in its absence is still known.
 */
export function createRuncDriver(options: { readonly instance: string; readonly containersDir: string }): Driver {
  const root = runcRootOf(options.instance);
  const bundleOf = (id: string): string => join(options.containersDir, shortOf(id));
  const runc = (...args: string[]): Promise<string> => run('runc', ['--root', root, ...args]);
  return {
    async fingerprint() {
      const version = (await runc('--version')).split('\n')[0] ?? '';
      await mkdir(root, { recursive: true, mode: 0o700 });
      return version.replace('version ', '');
    },
    async start(spec) {
      await writeFile(
        join(spec.bundleDir, 'config.json'),
        JSON.stringify(ociConfigOf(spec, cgroupOf(options.instance, spec.containerId))),
      );
      for (const name of ['exit', 'pid', 'runc.log']) await rm(join(spec.bundleDir, name), { force: true });
      await launch(root, spec);
      const there = await untilThere(spec.bundleDir, ['pid', 'exit']);
      if (there === 'exit' && !existsSync(join(spec.bundleDir, 'pid')))
        throw new Error(await complaintOf(spec.bundleDir));
    },
    wait: (id, signal) => waitForExit(options.instance, id, bundleOf(id), signal),
    isRunning: async (id) => (await stateOf(runc, id))?.status === 'running',
    isKnown: async (id) => existsSync(join(bundleOf(id), 'exit')) || (await stateOf(runc, id))?.status === 'running',
    async signal(id, name) {
      await runc('kill', id, name).catch(() => undefined);
    },
    async destroy(id) {
      await runc('delete', '--force', id).catch(() => undefined);
    },
    stats: (id) => statsOf(runc, options.instance, id),
  };
}

/** Where runc keeps what it knows of the containers. */
export function runcRootOf(instance: string): string {
  return join('/run', `portico-${instance}`);
}

/** The folder of a container is named by its id without the prefix, to keep socket paths short. */
export function shortOf(containerId: string): string {
  return containerId.replace(/^ta-/, '');
}

export function cgroupOf(instance: string, containerId: string): string {
  return `/portico-${instance}/${containerId}`;
}

/** By this name, its first argument, a shim is known among the machine's processes. */
export const SHIM_NAME = 'portico-shim';

const SHIM =
  'runc --root "$1" --log "$2/runc.log" --log-format json run --keep --bundle "$2" --pid-file "$2/pid" "$3"; code=$?; echo "$code" > "$2/exit.new"; mv "$2/exit.new" "$2/exit"';

function launch(root: string, spec: RunSpec): Promise<void> {
  const child = spawn('/bin/sh', ['-c', SHIM, SHIM_NAME, root, spec.bundleDir, spec.containerId], {
    detached: true,
    stdio: ['ignore', spec.stdout, spec.stderr],
    cwd: '/',
  });
  child.unref();
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}

async function waitForExit(instance: string, id: string, bundle: string, signal: AbortSignal): Promise<ContainerExit> {
  await untilThere(bundle, ['exit'], signal);
  const exitCode = Number(await readFile(join(bundle, 'exit'), 'utf8'));
  return { exitCode, isOutOfMemory: exitCode !== 0 && (await wasKilledForMemory(instance, id)) };
}

/** Resolves with the first of the names that is in the folder. runc and the shim rename files into place: they are whole. */
async function untilThere(folder: string, names: readonly string[], signal?: AbortSignal): Promise<string> {
  const watcher = watch(folder);
  watcher.on('error', () => undefined);
  try {
    return await new Promise((resolve, reject) => {
      const check = (): void => {
        const name = names.find((candidate) => existsSync(join(folder, candidate)));
        if (name) resolve(name);
      };
      watcher.on('change', check);
      // Who has left already is never told again.
      if (signal?.aborted) return reject(signal.reason as Error);
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      check();
    });
  } finally {
    watcher.close();
  }
}

/** The last thing that runc said about a container that it could not start. */
async function complaintOf(bundle: string): Promise<string> {
  const lines = (await readFile(join(bundle, 'runc.log'), 'utf8').catch(() => '')).trim().split('\n');
  try {
    return (JSON.parse(lines.at(-1) ?? '') as { msg: string }).msg;
  } catch {
    return 'runc did not say why';
  }
}

/** `--keep` leaves the cgroup until the container is deleted, so its counters can still be read. */
async function wasKilledForMemory(instance: string, id: string): Promise<boolean> {
  return (await memoryKills(cgroupOf(instance, id))) > 0;
}

/** How often the kernel killed for memory in a cgroup: version 2 and version 1 say it in different files. */
async function memoryKills(cgroup: string): Promise<number> {
  for (const file of [`/sys/fs/cgroup${cgroup}/memory.events`, `/sys/fs/cgroup/memory${cgroup}/memory.oom_control`]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const found = /^oom_kill (\d+)$/m.exec(text);
    if (found) return Number(found[1]);
  }
  return 0;
}

async function stateOf(
  runc: (...args: string[]) => Promise<string>,
  id: string,
): Promise<{ status: string; pid: number } | undefined> {
  try {
    return JSON.parse(await runc('state', id)) as { status: string; pid: number };
  } catch {
    return undefined;
  }
}

async function statsOf(runc: (...args: string[]) => Promise<string>, instance: string, id: string) {
  const state = await stateOf(runc, id);
  if (state?.status !== 'running') return undefined;
  const cgroup = cgroupOf(instance, id);
  const first = async (...files: string[]): Promise<string> => {
    for (const file of files) {
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text !== undefined) return text;
    }
    return '0';
  };
  const memory = await first(
    `/sys/fs/cgroup${cgroup}/memory.current`,
    `/sys/fs/cgroup/memory${cgroup}/memory.usage_in_bytes`,
  );
  const usage2 = /^usage_usec (\d+)$/m.exec(await first(`/sys/fs/cgroup${cgroup}/cpu.stat`));
  const usage1 = await first(`/sys/fs/cgroup/cpuacct${cgroup}/cpuacct.usage`);
  const cpuUsageMs = usage2 ? Number(usage2[1]) / 1_000 : Number(usage1) / 1_000_000;
  return { memoryBytes: Number(memory), cpuUsageMs: Math.round(cpuUsageMs), processId: state.pid };
}
