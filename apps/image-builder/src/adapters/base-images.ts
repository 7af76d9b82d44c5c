import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { isUnreachable, type StandIn, standInFor } from '../domain/offline-base.ts';
import { mustRun } from './command.ts';
import type { ImageStore } from './image-store.ts';

/** Brings images of registries into the store, or what stands in for them. */
export interface BaseImages {
  /** Returns when the image is in the store under its full name; `say` tells the user what happens. */
  ensure(reference: string, auth: imageBuilder.RegistryAuth | undefined, say: (line: string) => void): Promise<void>;
}

/** How long a registry that did not answer is not asked again. */
const UNREACHABLE_MS = 60_000;

export function createBaseImages(store: ImageStore, folder: string, registryTimeoutMs: number): BaseImages {
  const running = new Map<string, Promise<void>>();
  const unreachableUntil = new Map<string, number>();
  const fetch = async (reference: string, auth: imageBuilder.RegistryAuth | undefined, say: (line: string) => void): Promise<void> => {
    if (await store.has(reference)) return;
    const registry = reference.split('/')[0] ?? '';
    if ((unreachableUntil.get(registry) ?? 0) < Date.now()) {
      say(`Pulling ${reference}`);
      const credentials = auth ? ['--creds', `${auth.username}:${auth.password}`] : [];
      const insecure = /^(localhost|127\.0\.0\.1)(:|$)/.test(registry) ? ['--tls-verify=false'] : [];
      const pulled = await store.buildah(['pull', '--quiet', ...credentials, ...insecure, `docker://${reference}`], { timeoutMs: registryTimeoutMs });
      if (pulled.exitCode === 0) return;
      if (!isUnreachable(pulled.tail.trim())) throw pullFailed(reference, pulled.tail);
      unreachableUntil.set(registry, Date.now() + UNREACHABLE_MS);
    }
    await standIn(store, folder, reference, standInFor(reference), say);
  };
  return {
    ensure(reference, auth, say) {
      const going = running.get(reference) ?? fetch(reference, auth, say).finally(() => running.delete(reference));
      running.set(reference, going);
      return going;
    },
  };
}

function pullFailed(reference: string, tail: string): DomainError {
  const why = tail.trim().split('\n').pop() ?? '';
  return new DomainError('failed-precondition', 'image.pull_failed', `The image ${reference} could not be pulled: ${why}`);
}

async function standIn(store: ImageStore, folder: string, reference: string, choice: StandIn, say: (line: string) => void): Promise<void> {
  if (choice.kind === 'none') {
    throw new DomainError('failed-precondition', 'image.registry_unreachable', `The registry of ${reference} can't be reached, and ${choice.why}.`);
  }
  say(`The registry of ${reference} can't be reached: an image made from packages stands in for it.`);
  if (choice.kind === 'uv') return importUv(store, folder, reference);
  const archive = await rootArchive(folder, choice.kind, say);
  await importArchive(store, archive, reference);
  if (choice.kind === 'python') say('Python 3.11 of Debian 12 is used; its last number differs from the one that was asked for.');
}

const PACKAGES = {
  python: 'python3,python3-pip,python3-venv,ca-certificates,libpython3.11-stdlib',
  debian: 'ca-certificates',
} as const;

/** A Debian root file system, made once; two makers at once end with one file. */
async function rootArchive(folder: string, kind: 'python' | 'debian', say: (line: string) => void): Promise<string> {
  const archive = join(folder, 'base', `bookworm-${kind}.tar`);
  if (await stat(archive).catch(() => undefined)) return archive;
  say('Making a Debian 12 base from packages, once (about half a minute)');
  await mkdir(join(folder, 'base'), { recursive: true });
  const temporary = `${archive}.${process.pid}.tar`;
  const hooks = [
    '--customize-hook=rm -rf "$1"/usr/lib/python3*/EXTERNALLY-MANAGED "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin',
    ...(kind === 'python'
      ? ['--customize-hook=ln -sf /usr/bin/python3 "$1"/usr/local/bin/python; ln -sf /usr/bin/pip3 "$1"/usr/local/bin/pip']
      : []),
  ];
  try {
    await mustRun('mmdebstrap', ['--variant=minbase', `--include=${PACKAGES[kind]}`, ...hooks, 'bookworm', temporary]);
    await rename(temporary, archive);
  } finally {
    await rm(temporary, { force: true });
  }
  return archive;
}

async function importArchive(store: ImageStore, archive: string, reference: string): Promise<void> {
  const folder = join(archive, '..');
  const file = `${archive}.${process.pid}.Dockerfile`;
  const name = archive.slice(folder.length + 1);
  await writeFile(file, `FROM scratch\nADD ${name} /\nENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8\nCMD ["python3"]\n`);
  await buildTagged(store, file, reference, folder);
  await rm(file);
}

async function importUv(store: ImageStore, folder: string, reference: string): Promise<void> {
  const context = join(folder, 'base', `uv.${process.pid}`);
  await mkdir(context, { recursive: true });
  try {
    await mustRun('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', context, 'uv']);
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY bin/uv /uv\n');
    await buildTagged(store, join(context, 'Dockerfile'), reference, context);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function buildTagged(store: ImageStore, file: string, reference: string, context: string): Promise<void> {
  const { exitCode, tail } = await store.buildah(['build', '--quiet', '--layers=false', '-f', file, '-t', reference, context]);
  if (exitCode !== 0) throw new Error(`The base image ${reference} could not be made: ${tail}`);
}
