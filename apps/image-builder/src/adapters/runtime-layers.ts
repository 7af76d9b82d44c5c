import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@portico/errors';
import { storeName } from '../domain/dockerfile.ts';
import { missingPin, type Pin, pinsFor, relaxed } from '../domain/requirements.ts';
import { mustRun } from './command.ts';
import type { ImageStore } from './image-store.ts';

/** What lies above an image in a container: the client's package, its dependencies, the runner. */
export interface RuntimeLayers {
  /** Directories, top first. `series` is the image's Python, for example 3.11. */
  ensure(wanted: { clientVersion: string; builderVersion: string; series: string; imageId: string }): Promise<string[]>;
}

interface Needs {
  readonly store: ImageStore;
  readonly folder: string;
  readonly runnerDir: string;
}

export function createRuntimeLayers(needs: Needs): RuntimeLayers {
  const running = new Map<string, Promise<string[]>>();
  return {
    ensure(wanted) {
      const key = `${wanted.clientVersion} ${wanted.builderVersion} ${wanted.series}`;
      const going = running.get(key) ?? makeAll(needs, wanted);
      running.set(key, going);
      // A failure is not kept: PyPI may answer the next time.
      going.catch(() => running.delete(key));
      return going;
    },
  };
}

type Wanted = Parameters<RuntimeLayers['ensure']>[0];

async function makeAll(needs: Needs, wanted: Wanted): Promise<string[]> {
  if (!/^\d+(\.\d+)*([a-z]+\d*)?(\.dev\d+)?$/.test(wanted.clientVersion)) {
    throw new DomainError('invalid-argument', 'image.client_version', `The client version ${JSON.stringify(wanted.clientVersion)} can't be installed from PyPI.`);
  }
  const abi = `py${wanted.series}`;
  const client = await make(needs, wanted, `client-${wanted.clientVersion}-${abi}`, (folder) => installClient(folder, wanted));
  const deps = await make(needs, wanted, `deps-${wanted.builderVersion}-${wanted.clientVersion}-${abi}`, (folder) =>
    installDependencies(folder, join(client, 'pkg'), wanted),
  );
  const runnerHash = await hashOf(needs.runnerDir);
  const runner = await make(needs, wanted, `runner-${runnerHash}-${abi}`, (folder) => installRunner(folder, needs.runnerDir));
  return [client, deps, runner];
}

/** Makes one layer once: built beside, compiled by the image's own Python, then renamed into place. */
async function make(needs: Needs, wanted: Wanted, name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const final = join(needs.folder, name);
  if (await stat(final).catch(() => undefined)) return final;
  const temporary = `${final}.${process.pid}.tmp`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    await fill(temporary);
    await compile(needs.store, temporary, wanted.imageId);
    await rename(temporary, final).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return final;
}

const pip = (series: string, target: string, packages: readonly string[]): Promise<string> =>
  mustRun('python3', [
    '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile', '--only-binary=:all:', '--implementation', 'cp',
    '--python-version', series, '--target', target, ...packages,
  ]);

async function installClient(folder: string, { clientVersion, series }: Wanted): Promise<void> {
  const target = join(folder, 'pkg');
  await pip(series, target, [`modal==${clientVersion}`]);
  // Each client works with its own range of synchronicity only.
  const metadata = await readFile(join(target, `modal-${clientVersion}.dist-info/METADATA`), 'utf8');
  const requirement = /^Requires-Dist: (synchronicity[^;\n]*)/m.exec(metadata)?.[1] ?? 'synchronicity';
  await pip(series, target, [requirement.replaceAll(/[() ]/g, '')]);
}

async function installDependencies(folder: string, clientDir: string, { builderVersion, series }: Wanted): Promise<void> {
  const target = join(folder, '__modal/deps');
  await mkdir(target, { recursive: true });
  const pins = join(clientDir, 'modal/builder', `${builderVersion}.txt`);
  // Builders up to 2024.10 put the client's dependencies into the image itself.
  if (builderVersion <= '2024.10' || !(await stat(pins).catch(() => undefined))) return;
  await installPins(pinsFor(await readFile(pins, 'utf8'), series), series, target);
}

/** Pins of which an index no longer has the very version give way one by one. */
async function installPins(wanted: readonly Pin[], series: string, target: string): Promise<void> {
  let pins = wanted;
  for (let left = 2 * wanted.length; ; left -= 1) {
    try {
      await pip(series, target, pins.map((pin) => pin.requirement));
      return;
    } catch (error) {
      const missing = missingPin(String(error), pins);
      if (!missing || left === 0) throw error;
      pins = pins.map((pin) => (pin === missing ? relaxed(pin) : pin));
    }
  }
}

async function installRunner(folder: string, runnerDir: string): Promise<void> {
  const target = join(folder, '__portico/runner');
  await mkdir(target, { recursive: true });
  await cp(join(runnerDir, 'start.py'), join(target, 'start.py'));
  await cp(join(runnerDir, 'portico_runner'), join(target, 'portico_runner'), {
    recursive: true,
    filter: (source) => !source.includes('__pycache__'),
  });
}

/**
 * Bytecode for the image's interpreter, since layers are read-only and shared. The paths inside are
 * those of the container, and `unchecked-hash` keeps it valid whatever the times of the files.
 */
async function compile(store: ImageStore, folder: string, imageId: string): Promise<void> {
  const created = await store.buildah(['from', '--pull-never', storeName(imageId)]);
  if (created.exitCode !== 0) throw new Error(`No container could be made from ${imageId}: ${created.tail}`);
  const container = created.stdout.trim().split('\n').pop() ?? '';
  try {
    const code = 'import compileall,sys; compileall.compile_dir("/layer", quiet=2, stripdir="/layer", invalidation_mode=__import__("py_compile").PycInvalidationMode.UNCHECKED_HASH)';
    const ran = await store.buildah(['run', '--isolation', 'oci', '--runtime', 'runc', '--network', 'none', '-v', `${folder}:/layer:rw`, container, '--', 'python3', '-c', code]);
    if (ran.exitCode !== 0) throw new Error(`Bytecode could not be made: ${ran.tail}`);
  } finally {
    await store.buildah(['rm', container]);
  }
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.py') && !name.startsWith('tests')).sort();
  for (const name of names) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}
