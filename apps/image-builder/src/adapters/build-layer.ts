import { chmod, copyFile, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { imageBuilder } from '@portico/contracts';
import { safeRelativePath } from '../domain/context-path.ts';
import { prepareDockerfile, storeName } from '../domain/dockerfile.ts';
import type { BaseImages } from './base-images.ts';
import { runCommand } from './command.ts';
import type { ImageStore } from './image-store.ts';

export interface LayerBuilder {
  /** Builds one recipe; resolves to undefined, or to what the user should read when it failed. */
  build(imageId: string, recipe: imageBuilder.Recipe, options: BuildOptions): Promise<string | undefined>;
}

export interface BuildOptions {
  readonly say: (line: string, isError: boolean) => void;
  readonly signal: AbortSignal;
  /** Take no step from the cache. */
  readonly isForced: boolean;
}

interface Needs {
  readonly store: ImageStore;
  readonly bases: BaseImages;
  readonly blobsDir: string;
  readonly runtime: string;
  /** Variables that RUN steps see and images do not keep: trust and proxies of this machine. */
  readonly runEnvironment: Readonly<Record<string, string>>;
}

const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

export function createLayerBuilder(needs: Needs): LayerBuilder {
  return {
    async build(imageId, recipe, options) {
      const folder = await mkdtemp(join(tmpdir(), 'portico-build-'));
      try {
        const { text, references } = prepareDockerfile(recipe.dockerfileCommands, recipe.baseImageIds[0]);
        for (const reference of references) await needs.bases.ensure(reference, recipe.registryAuth, (line) => options.say(line, false));
        const context = join(folder, 'context');
        await layOut(context, recipe, needs.blobsDir);
        await writeFile(join(folder, 'Dockerfile'), text);
        const environment = { ...needs.runEnvironment, ...Object.fromEntries(recipe.secretEnvironment) };
        await writeFile(join(folder, 'environment.json'), JSON.stringify(environment), { mode: 0o600 });
        return await runBuild(needs, imageId, folder, recipe, options);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

async function runBuild(needs: Needs, imageId: string, folder: string, recipe: imageBuilder.Recipe, options: BuildOptions): Promise<string | undefined> {
  let step = '';
  const buildArgs = [...recipe.buildArgs].flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  const args = [
    ...needs.store.globalArguments,
    'build',
    '--layers',
    ...(options.isForced ? ['--no-cache'] : []),
    '--pull-never',
    '--isolation',
    'oci',
    '--runtime',
    needs.runtime,
    '-v',
    `${CA_BUNDLE}:${CA_BUNDLE}:ro`,
    ...buildArgs,
    '-f',
    join(folder, 'Dockerfile'),
    '-t',
    storeName(imageId),
    join(folder, 'context'),
  ];
  const { exitCode, tail } = await runCommand('buildah', args, {
    signal: options.signal,
    env: { ...process.env, PORTICO_RUN_ENVIRONMENT: join(folder, 'environment.json') },
    onLine(line, isError) {
      step = /^STEP \d+\/\d+: (.*)$/.exec(line)?.[1] ?? step;
      if (isWorthTelling(line)) options.say(line, isError);
    },
  });
  if (exitCode === 0) return undefined;
  const code = /exit status (\d+)/.exec(tail)?.[1] ?? String(exitCode);
  return `The build step "${step}" failed with exit code ${code}.`;
}

/** Not the store's own book-keeping. */
function isWorthTelling(line: string): boolean {
  return !/^(--> |COMMIT |Successfully tagged |[0-9a-f]{64}$)/.test(line);
}

/** Lays the build context out: mounted files by hard link, small files as they came. */
async function layOut(context: string, recipe: imageBuilder.Recipe, blobsDir: string): Promise<void> {
  await mkdir(context, { recursive: true });
  for (const file of recipe.contextMountFiles) {
    const target = join(context, safeRelativePath(file.path));
    const blob = join(blobsDir, file.sha256Hex.slice(0, 2), file.sha256Hex);
    await mkdir(dirname(target), { recursive: true });
    // A link would share its mode with other users of the blob.
    if (file.mode && file.mode !== 0o644) {
      await copyFile(blob, target);
      await chmod(target, file.mode & 0o777);
    } else await link(blob, target).catch(() => copyFile(blob, target));
  }
  for (const file of recipe.contextFiles) {
    const target = join(context, safeRelativePath(file.name));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, file.data);
  }
}
