import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type StandIn, standInName } from '../domain/offline-base.ts';
import type { ImageStore } from './image-store.ts';

/** Images made from packages where no registry answers. */
export interface OfflineImages {
  /** The stand-in's name in the store; made once for the whole machine. */
  ensure(standIn: StandIn, reference: string, say: (line: string) => void): Promise<string>;
}

interface Needs {
  readonly store: ImageStore;
  /** Where the programs that make them are. */
  readonly runtimeDir: string;
  readonly cacheDir: string;
  /** Where Debian's packages come from; undefined = the usual place. */
  readonly debianMirror: string | undefined;
}

const TIMEOUT_MS = 15 * 60_000;

export function createOfflineImages(needs: Needs): OfflineImages {
  return {
    async ensure(standIn, reference, say) {
      const name = standInName(standIn);
      if (!(await needs.store.has(name))) {
        say(`The registry of ${reference} can't be reached: an image is made from packages, once (about a minute).`);
        await make(needs, standIn, name);
      }
      say(await describe(needs.store, name, standIn, reference));
      return name;
    },
  };
}

/** Two makers at once wait for each other: the program looks again once it has the lock. */
async function make(needs: Needs, standIn: StandIn, name: string): Promise<void> {
  await mkdir(needs.cacheDir, { recursive: true });
  const lock = { file: join(needs.cacheDir, `${name.split(':').pop()}.lock`), mode: 'exclusive' } as const;
  const args =
    standIn.kind === 'uv'
      ? [name, standIn.version ?? '']
      : [name, standIn.suite, standIn.kind, needs.debianMirror ?? ''];
  const file = join(needs.runtimeDir, standIn.kind === 'uv' ? 'make-uv-image' : 'make-debian-image');
  const { exitCode, tail } = await needs.store.run('shared', file, args, { locks: [lock], timeoutMs: TIMEOUT_MS });
  if (exitCode !== 0) throw new Error(`The offline image ${name} could not be made: ${tail.trim().slice(-2_000)}`);
}

async function describe(store: ImageStore, name: string, standIn: StandIn, reference: string): Promise<string> {
  if (standIn.kind === 'uv') return `${reference} is not reachable; uv of PyPI stands in for it.`;
  const { environment } = await store.configOf(name);
  const what =
    standIn.kind === 'python'
      ? `Python ${environment.get('PYTHON_VERSION') ?? standIn.series} of Debian ${standIn.suite}`
      : `Debian ${standIn.suite}`;
  return `${reference} is not reachable; ${what}, made from packages, stands in for it.`;
}
