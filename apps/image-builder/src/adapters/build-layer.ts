import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { imageBuilder } from '@portico/contracts';
import { createBuildOutput } from '../domain/build-output.ts';
import { prepareDockerfile } from '../domain/dockerfile.ts';
import { storeName } from '../domain/image-name.ts';
import type { BaseImages } from './base-images.ts';
import { layOutContext } from './build-context.ts';
import type { BuildNetwork } from './build-network.ts';
import type { ImageStore, StorePart } from './image-store.ts';
import { isGone } from './process-gone.ts';
import type { RunAmendments } from './run-amendments.ts';

export interface LayerBuilder {
  /** Builds one recipe; resolves to undefined, or to what the user should read when it failed. */
  build(imageId: string, recipe: imageBuilder.Recipe, options: BuildOptions): Promise<string | undefined>;
  /** Removes folders of builds whose process is gone. */
  tidy(): Promise<void>;
}

export interface BuildOptions {
  readonly say: (line: string, isError: boolean) => void;
  readonly signal: AbortSignal;
  /** Take nothing from before: ask registries again. */
  readonly isForced: boolean;
  readonly part: StorePart;
}

interface Needs {
  readonly store: ImageStore;
  readonly bases: BaseImages;
  readonly network: BuildNetwork;
  readonly amendments: RunAmendments;
  readonly blobsDir: string;
  /** Where builds have their folders while they run. */
  readonly workDir: string;
  readonly runtimeDir: string;
  /** The OCI runtime that RUN steps end up in. */
  readonly ociRuntime: string;
  readonly timeoutMs: number;
}

export function createLayerBuilder(needs: Needs): LayerBuilder {
  return {
    async build(imageId, recipe, options) {
      await mkdir(needs.workDir, { recursive: true, mode: 0o700 });
      const folder = await mkdtemp(join(needs.workDir, `${process.pid}-`));
      try {
        const names = await resolveNames(needs, recipe, folder, options);
        await layOutContext(join(folder, 'context'), recipe, needs.blobsDir);
        await writeFile(join(folder, 'Dockerfile'), names.text);
        const amendments = await needs.amendments.write(folder, recipe.secretEnvironment);
        return await runBuild(needs, { imageId, folder, amendments, recipe, shownName: names.shownName }, options);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    async tidy() {
      for (const name of await readdir(needs.workDir).catch(() => [])) {
        if (isGone(Number.parseInt(name, 10))) await rm(join(needs.workDir, name), { recursive: true, force: true });
      }
    },
  };
}

interface ResolvedNames {
  readonly text: string;
  readonly shownName: (name: string) => string;
}

async function resolveNames(
  needs: Needs,
  recipe: imageBuilder.Recipe,
  folder: string,
  options: BuildOptions,
): Promise<ResolvedNames> {
  const [baseId] = recipe.baseImageIds;
  const base = baseId ? storeName(baseId) : undefined;
  const dockerfile = prepareDockerfile(recipe.dockerfileCommands, { base, buildArgs: recipe.buildArgs });
  const nameOf = new Map<string, string>();
  const shownOf = new Map(base ? [[base, 'base']] : []);
  for (const reference of dockerfile.references) {
    const name = await needs.bases.resolve(reference, {
      auth: recipe.registryAuth,
      say: (line) => options.say(line, false),
      isFresh: options.isForced,
      signal: options.signal,
      folder,
    });
    nameOf.set(reference, name);
    shownOf.set(name, reference);
  }
  return {
    text: dockerfile.write((reference) => nameOf.get(reference) ?? reference),
    shownName: (name) => shownOf.get(name) ?? name,
  };
}

interface Build {
  readonly imageId: string;
  readonly folder: string;
  readonly amendments: string;
  readonly recipe: imageBuilder.Recipe;
  readonly shownName: (name: string) => string;
}

/** One layer per recipe: the client already cuts images into recipes where it makes sense. */
async function runBuild(
  needs: Needs,
  { imageId, folder, amendments, recipe, shownName }: Build,
  options: BuildOptions,
): Promise<string | undefined> {
  const output = createBuildOutput(shownName);
  const buildArgs = [...recipe.buildArgs].flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  const args = [
    'build',
    '--layers=false',
    '--pull-never',
    ...['--isolation', 'oci', '--runtime', join(needs.runtimeDir, 'build-runtime')],
    ...['--network', await needs.network.argument()],
    ...buildArgs,
    ...['--file', join(folder, 'Dockerfile'), '--tag', storeName(imageId)],
    join(folder, 'context'),
  ];
  const limit = AbortSignal.timeout(needs.timeoutMs);
  const { exitCode, tail } = await needs.store.buildah(options.part, args, {
    signal: AbortSignal.any([options.signal, limit]),
    env: { PORTICO_RUN_AMENDMENTS: amendments, PORTICO_RUN_RUNTIME: needs.ociRuntime, TMPDIR: folder },
    onLine(raw, isError) {
      const line = output.lineOf(raw);
      if (line !== undefined) options.say(line, isError);
    },
  });
  if (exitCode === 0) return undefined;
  return limit.aborted ? output.overrun(needs.timeoutMs) : output.failure(exitCode, tail);
}
