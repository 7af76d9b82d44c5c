import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { isInsecure, registryOf } from '../domain/image-name.ts';
import { isUnreachable, standInFor, unreachableMessage } from '../domain/offline-base.ts';
import type { CommandResult } from './command.ts';
import type { ImageStore, StorePart } from './image-store.ts';
import type { OfflineImages } from './offline-images.ts';
import type { RegistryReach } from './registry-reach.ts';

/** Brings images of registries into the store, or what stands in for them. */
export interface BaseImages {
  /** The name in our store under which the image can be used now. */
  resolve(reference: string, options: ResolveOptions): Promise<string>;
}

export interface ResolveOptions {
  readonly auth: imageBuilder.RegistryAuth | undefined;
  /** Tells the user what happens. */
  readonly say: (line: string) => void;
  /** Ask the registry again even if the image is here: tags move. */
  readonly isFresh: boolean;
  readonly signal: AbortSignal;
  /** For the credentials, while they are needed. */
  readonly folder: string;
}

interface Needs {
  readonly store: ImageStore;
  readonly offline: OfflineImages;
  readonly reach: RegistryReach;
  readonly pullTimeoutMs: number;
  readonly insecureRegistries: readonly string[];
}

export function createBaseImages(needs: Needs): BaseImages {
  const running = new Map<string, Promise<string>>();
  return {
    resolve(reference, options) {
      // What only some may see is pulled by each with his own credentials.
      if (options.auth) return resolve(needs, reference, options);
      const going =
        running.get(reference) ?? resolve(needs, reference, options).finally(() => running.delete(reference));
      running.set(reference, going);
      return going;
    },
  };
}

async function resolve(needs: Needs, reference: string, options: ResolveOptions): Promise<string> {
  const { store, offline, reach } = needs;
  const isHere = await store.has(reference);
  if (isHere && !options.isFresh) return reference;
  const registry = registryOf(reference);
  if (await reach.canReach(registry)) {
    options.say(`Pulling ${reference}`);
    const pulled = await pull(needs, reference, options);
    if (pulled.exitCode === 0) return reference;
    if (options.signal.aborted || !isUnreachable(pulled.tail)) throw pullFailed(reference, pulled.tail);
    reach.markUnreachable(registry);
  }
  if (isHere) {
    options.say(`The registry ${registry} can't be reached: ${reference} is used as it was pulled before.`);
    return reference;
  }
  const standIn = standInFor(reference);
  if (!standIn)
    throw new DomainError('failed-precondition', 'image.registry_unreachable', unreachableMessage(reference, registry));
  return offline.ensure(standIn, reference, options.say);
}

async function pull(needs: Needs, reference: string, { auth, folder, signal }: ResolveOptions): Promise<CommandResult> {
  const registry = registryOf(reference);
  const authFile = join(folder, 'registry-auth.json');
  const part: StorePart = auth ? 'own' : 'shared';
  const flags = isInsecure(registry, needs.insecureRegistries) ? ['--tls-verify=false'] : [];
  try {
    const credentials = auth ? Buffer.from(`${auth.username}:${auth.password}`).toString('base64') : undefined;
    await writeFile(authFile, JSON.stringify({ auths: credentials ? { [registry]: { auth: credentials } } : {} }), {
      mode: 0o600,
    });
    const args = ['pull', '--quiet', '--authfile', authFile, ...flags, `docker://${reference}`];
    return await needs.store.buildah(part, args, { timeoutMs: needs.pullTimeoutMs, signal });
  } finally {
    await rm(authFile, { force: true });
  }
}

function pullFailed(reference: string, tail: string): DomainError {
  const why = tail.trim().split('\n').pop() ?? '';
  return new DomainError(
    'failed-precondition',
    'image.pull_failed',
    `The image ${reference} could not be pulled: ${why.replace(/^Error: /, '')}`,
  );
}
