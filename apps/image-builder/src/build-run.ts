import { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { EventStream } from '@portico/messaging';
import { type Logger, meterOf, withSpan } from '@portico/telemetry';
import type { LayerBuilder } from './adapters/build-layer.ts';
import { type BuildLog, openBuildLog } from './adapters/build-log.ts';
import type { ImageStore, StorePart } from './adapters/image-store.ts';
import type { InsideImage } from './adapters/inside-image.ts';
import { pythonOf } from './adapters/python-of-image.ts';
import { storeName } from './domain/image-name.ts';
import { isShareable } from './domain/recipe-record.ts';
import { createTurns } from './domain/turns.ts';

/** How a build ended; goes into its record as it is. */
export type BuildOutcome = Pick<imageBuilder.Image, 'state' | 'error' | 'config'>;

export interface BuildOptions {
  readonly isForced: boolean;
  /** Resolves when the images below are there. */
  readonly below: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** Carries one build out and tells its log; never rejects. */
export type BuildRun = (
  image: imageBuilder.Image,
  recipe: imageBuilder.Recipe,
  options: BuildOptions,
) => Promise<BuildOutcome>;

interface Needs {
  readonly log: EventStream<imageBuilder.BuildLogLine>;
  readonly store: ImageStore;
  readonly inside: InsideImage;
  readonly layers: LayerBuilder;
  readonly buildsAtOnce: number;
  readonly logger: Logger;
}

const { READY, FAILED, CANCELLED } = imageBuilder.ImageState;
const FALLBACK_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function createBuildRun(needs: Needs): BuildRun {
  const turns = createTurns(needs.buildsAtOnce);
  const durations = meterOf('image-builder').createHistogram('portico.build.duration', {
    unit: 's',
    description: 'How long builds take',
  });
  return async (image, recipe, options) => {
    const log = openBuildLog(needs.log, image.imageId, image.attempt, needs.logger);
    const startedMs = performance.now();
    const attributes = { 'image.id': image.imageId };
    const outcome = await withSpan('image-builder.build', { attributes }, async () => {
      await options.below;
      return turns(() => buildOnce(needs, image, recipe, options, log));
    }).catch((reason: unknown) => failureOf(reason, options.signal, image.imageId, needs.logger));
    const seconds = (performance.now() - startedMs) / 1000;
    durations.record(seconds, { 'build.is_ready': outcome.state === READY });
    log.conclude(
      outcome.state === READY ? `Built image ${image.imageId} in ${seconds.toFixed(2)}s` : outcome.error,
      outcome.state !== READY,
    );
    await log.stored();
    return outcome;
  };
}

async function buildOnce(
  needs: Needs,
  { imageId }: imageBuilder.Image,
  recipe: imageBuilder.Recipe,
  { isForced, signal }: BuildOptions,
  log: BuildLog,
): Promise<BuildOutcome> {
  if (signal.aborted) return { state: CANCELLED, error: 'The build was cancelled.', config: undefined };
  refuseUnknown(recipe);
  const part: StorePart = isShareable(recipe) && !isForced ? 'shared' : 'own';
  // Another instance on this machine may have built it.
  if (isForced || !(await needs.store.has(storeName(imageId)))) {
    const error = await needs.layers.build(imageId, recipe, { say: log.say, signal, isForced, part });
    if (signal.aborted) return { state: CANCELLED, error: 'The build was cancelled.', config: undefined };
    if (error !== undefined) return { state: FAILED, error, config: undefined };
  } else log.say('This image was built on this machine before.', false);
  return { state: READY, error: '', config: await configOf(needs, imageId) };
}

function refuseUnknown({ contextGlobalMount, needsGpu }: imageBuilder.Recipe): void {
  if (contextGlobalMount) {
    throw new DomainError(
      'unimplemented',
      'image.add_python',
      `add_python= (${contextGlobalMount}) is not implemented by Portico yet: use an image that has Python.`,
    );
  }
  if (needsGpu)
    throw new DomainError(
      'unimplemented',
      'image.gpu_build',
      'Builds with a GPU are not implemented by Portico yet: leave gpu= out of the build step.',
    );
}

function failureOf(reason: unknown, signal: AbortSignal, imageId: string, logger: Logger): BuildOutcome {
  if (signal.aborted) return { state: CANCELLED, error: 'The build was cancelled.', config: undefined };
  if (reason instanceof DomainError) {
    if (reason.cause !== undefined) logger.warn({ err: reason, 'image.id': imageId }, reason.message);
    return { state: FAILED, error: reason.message, config: undefined };
  }
  logger.error({ err: reason, 'image.id': imageId }, 'A build failed inside the platform');
  return {
    state: FAILED,
    error: 'The build failed inside Portico; the log of image-builder has the cause.',
    config: undefined,
  };
}

async function configOf({ store, inside }: Needs, imageId: string): Promise<imageBuilder.ImageConfig> {
  const name = storeName(imageId);
  const stored = await store.configOf(name);
  const environment = stored.environment.has('PATH')
    ? stored.environment
    : new Map([...stored.environment, ['PATH', FALLBACK_PATH]]);
  const python = await pythonOf(inside, await store.layersOf(name), environment);
  return imageBuilder.ImageConfig.create({
    ...stored,
    pythonVersion: python?.version ?? '',
    pythonAbi: python?.abi ?? '',
    pythonPath: python?.path ?? '',
  });
}
