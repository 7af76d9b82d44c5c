import { createHash } from 'node:crypto';
import { constants, cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DomainError } from '@portico/errors';
import { listFor, pinsFor } from '../domain/requirements.ts';
import { publishedVersion, synchronicityOf } from '../domain/wheel-tags.ts';
import { compileBytecode } from './bytecode.ts';
import { makeFolder } from './content-folder.ts';
import type { InsideImage } from './inside-image.ts';
import type { PythonPackages } from './python-packages.ts';

/** What lies above an image in a container: the client's package, its dependencies, the runner. */
export interface RuntimeLayers {
  /** Directories, top first. */
  ensure(wanted: WantedLayers): Promise<string[]>;
}

export interface WantedLayers {
  readonly clientVersion: string;
  readonly builderVersion: string;
  readonly interpreter: Interpreter;
}

/** The Python that makes the bytecode, with the lowest layers that have it, so that all images over them share the result. */
export interface Interpreter {
  readonly layers: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly path: string;
  /** For example cp311-manylinux. */
  readonly abi: string;
}

interface Needs {
  readonly packages: PythonPackages;
  readonly inside: InsideImage;
  readonly folder: string;
  readonly runnerDir: string;
}

/** Appends the dependencies to the search path of every Python in the container, behind the user's own. */
const SITECUSTOMIZE = "import sys; sys.path.append('/__modal/deps')\n";

export function createRuntimeLayers(needs: Needs): RuntimeLayers {
  const running = new Map<string, Promise<string[]>>();
  return {
    ensure(wanted) {
      const key = [wanted.clientVersion, wanted.builderVersion, interpreterKey(wanted.interpreter)].join(' ');
      const going = running.get(key) ?? makeAll(needs, wanted);
      running.set(key, going);
      // A failure is not kept: the package index may answer the next time.
      going.catch(() => running.delete(key));
      return going;
    },
  };
}

async function makeAll(needs: Needs, wanted: WantedLayers): Promise<string[]> {
  const version = publishedVersion(wanted.clientVersion);
  if (!version) {
    throw new DomainError(
      'invalid-argument',
      'image.client_version',
      `The client version ${JSON.stringify(wanted.clientVersion)} can't be installed from PyPI.`,
    );
  }
  const runner = makeRunner(needs, wanted.interpreter);
  runner.catch(() => undefined);
  const source = await makeFolder(join(needs.folder, `source-client-${version}-${wanted.interpreter.abi}`), (folder) =>
    installClient(needs, folder, version, wanted.interpreter.abi),
  );
  const [client, deps] = await Promise.all([
    compiled(needs, source, wanted.interpreter, `client-${version}`),
    makeDependencies(needs, source, wanted),
  ]);
  return [client, ...deps, await runner];
}

async function installClient({ packages }: Needs, folder: string, version: string, abi: string): Promise<void> {
  const target = join(folder, 'pkg');
  await packages.install(target, abi, [`modal==${version}`]);
  const metadata = await readFile(join(target, `modal-${version}.dist-info/METADATA`), 'utf8');
  await packages.install(target, abi, [synchronicityOf(metadata)]);
}

/** Builders up to 2024.10 put the client's dependencies into the image itself. */
async function makeDependencies(
  needs: Needs,
  client: string,
  { builderVersion, interpreter }: WantedLayers,
): Promise<string[]> {
  if (builderVersion !== 'PREVIEW' && builderVersion <= '2024.10') return [];
  const text = await pinsOf(join(client, 'pkg/modal'), builderVersion);
  const series = interpreter.abi.replace(/^cp(\d)(\d+).*$/, '$1.$2');
  const pins = pinsFor(text, series);
  const hash = createHash('sha256').update(JSON.stringify(pins)).digest('hex').slice(0, 12);
  const source = await makeFolder(join(needs.folder, `source-deps-${hash}-${interpreter.abi}`), async (folder) => {
    await needs.packages.installPins(join(folder, '__modal/deps'), interpreter.abi, pins);
    await mkdir(join(folder, 'pkg'));
    await writeFile(join(folder, 'pkg/sitecustomize.py'), SITECUSTOMIZE);
  });
  return [await compiled(needs, source, interpreter, `deps-${hash}`)];
}

/** The lists moved from `requirements` to `builder` in the client. */
async function pinsOf(clientDir: string, builderVersion: string): Promise<string> {
  for (const name of ['builder', 'requirements']) {
    const folder = join(clientDir, name);
    const list = listFor(await readdir(folder).catch(() => []), builderVersion);
    if (list) return readFile(join(folder, list), 'utf8');
  }
  throw new DomainError(
    'failed-precondition',
    'image.builder_version',
    `This client knows no image builder version ${builderVersion}; update it, or choose an older one for the environment.`,
  );
}

async function makeRunner(needs: Needs, interpreter: Interpreter): Promise<string> {
  const hash = await hashOf(needs.runnerDir);
  const source = await makeFolder(join(needs.folder, `source-runner-${hash}`), async (folder) => {
    const target = join(folder, '__portico/runner');
    await mkdir(target, { recursive: true });
    await cp(join(needs.runnerDir, 'start.py'), join(target, 'start.py'));
    await cp(join(needs.runnerDir, 'portico_runner'), join(target, 'portico_runner'), {
      recursive: true,
      filter: (file) => !file.includes('__pycache__'),
    });
  });
  return compiled(needs, source, interpreter, `runner-${hash}`);
}

/** A copy of a source folder with the bytecode of one interpreter. */
function compiled({ folder, inside }: Needs, source: string, interpreter: Interpreter, name: string): Promise<string> {
  return makeFolder(join(folder, `${name}-${interpreterKey(interpreter)}`), async (temporary) => {
    await cp(source, temporary, { recursive: true, mode: constants.COPYFILE_FICLONE });
    await compileBytecode(inside, interpreter, temporary);
  });
}

/** Layers made by one image's Python are given to no image that does not contain that Python. */
function interpreterKey({ abi, layers, path }: Interpreter): string {
  return `${abi}-${createHash('sha256')
    .update(`${basename(layers[0] ?? '')} ${path}`)
    .digest('hex')
    .slice(0, 8)}`;
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /^(start\.py$|portico_runner\/)/.test(name) && name.endsWith('.py'))
    .sort();
  for (const name of names) hash.update(`${name}\n`).update(await readFile(join(folder, name)));
  if (!(await stat(join(folder, 'start.py')).catch(() => undefined)))
    throw new Error(`There is no runner in ${folder}`);
  return hash.digest('hex').slice(0, 12);
}
