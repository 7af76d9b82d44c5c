import { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { Bucket, EventStream } from '@portico/messaging';
import { type Logger, withSpan } from '@portico/telemetry';
import type { LayerBuilder } from './adapters/build-layer.ts';
import type { ImageStore } from './adapters/image-store.ts';
import { pythonSeriesOf } from './adapters/python-of-image.ts';
import { storeName } from './domain/dockerfile.ts';
import { imageIdOf } from './domain/recipe-hash.ts';
import { createTurns } from './domain/turns.ts';

type Image = imageBuilder.Image;
const { BUILDING, READY, FAILED, CANCELLED } = imageBuilder.ImageState;

interface Needs {
  readonly images: Bucket<Image>;
  readonly log: EventStream<imageBuilder.BuildLogLine>;
  readonly store: ImageStore;
  readonly layers: LayerBuilder;
  readonly buildsAtOnce: number;
  readonly logger: Logger;
}

/** All builds: one at a time per recipe, whoever asks. */
export interface Builds {
  ensure(request: imageBuilder.EnsureImageRequest): Promise<Image>;
  get(imageId: string): Promise<Image>;
  cancel(imageId: string): Promise<void>;
  /** The end of the build that runs for this image; undefined if none runs. */
  running(imageId: string): Promise<void> | undefined;
}

interface Running {
  readonly done: Promise<void>;
  readonly cancelled: AbortController;
}

export function createBuilds(needs: Needs): Builds {
  const running = new Map<string, Running>();
  const turns = createTurns(needs.buildsAtOnce);
  const start = (image: Image, recipe: imageBuilder.Recipe, isForced: boolean): void => {
    const cancelled = new AbortController();
    const work = turns(() => buildOne(needs, image, recipe, isForced, cancelled.signal));
    const done = work
      .catch((error: unknown) => needs.logger.error({ err: error, image: image.imageId }, 'A build broke off'))
      .finally(() => running.delete(image.imageId));
    running.set(image.imageId, { done, cancelled });
  };
  const get = async (imageId: string): Promise<Image> => {
    const found = (await needs.images.get(imageId))?.value;
    if (!found) throw new DomainError('not-found', 'image.not_found', `There is no image ${imageId}.`);
    return found;
  };
  const ensure: Builds['ensure'] = async ({ recipe, forceBuild, ignoreCache }) => {
    if (!recipe) throw new DomainError('invalid-argument', 'image.recipe_missing', 'The image has no recipe.');
    const imageId = imageIdOf(recipe);
    const isForced = forceBuild || ignoreCache;
    const known = (await needs.images.get(imageId))?.value;
    if (known && running.has(imageId)) return known;
    if (known?.state === READY && !isForced && (await needs.store.has(storeName(imageId)))) return known;
    await ensureBase(recipe, get, ensure, needs.store);
    const image = startedImage(imageId, recipe, (known?.attempt ?? 0) + 1);
    await needs.images.put(imageId, image);
    if (!running.has(imageId)) start(image, recipe, isForced);
    return image;
  };
  return {
    ensure,
    get,
    async cancel(imageId) {
      running.get(imageId)?.cancelled.abort();
      await running.get(imageId)?.done;
    },
    running: (imageId) => running.get(imageId)?.done,
  };
}

/** The image below may be gone from the store (a new store, a restart in its build): it is made again first. */
async function ensureBase(recipe: imageBuilder.Recipe, get: Builds['get'], ensure: Builds['ensure'], store: ImageStore): Promise<void> {
  for (const baseId of recipe.baseImageIds) {
    if (await store.has(storeName(baseId))) continue;
    const base = await get(baseId);
    if (base.recipe) await ensure(imageBuilder.EnsureImageRequest.create({ recipe: base.recipe }));
  }
}

function startedImage(imageId: string, recipe: imageBuilder.Recipe, attempt: number): Image {
  // Values of secrets and passwords are not kept.
  const secretEnvironment = new Map([...recipe.secretEnvironment.keys()].map((name) => [name, '']));
  return imageBuilder.Image.create({
    imageId,
    state: BUILDING,
    createdAt: Date.now() / 1000,
    builderVersion: recipe.builderVersion,
    recipe: { ...recipe, secretEnvironment, registryAuth: undefined },
    attempt,
  });
}

async function buildOne(needs: Needs, image: Image, recipe: imageBuilder.Recipe, isForced: boolean, signal: AbortSignal): Promise<void> {
  const { imageId, attempt } = image;
  let last: Promise<unknown> = Promise.resolve();
  const say = (text: string, isError: boolean): void => {
    const line = { text: `${text}\n`, isError, timeUnixNano: BigInt(Date.now()) * 1_000_000n, attempt };
    last = Promise.allSettled([last, needs.log.publish([imageId], line)]);
  };
  const finish = async (changes: Partial<Image>): Promise<void> => {
    await last;
    await needs.images.put(imageId, { ...image, ...changes, finishedAt: Date.now() / 1000 });
  };
  try {
    const error = await withSpan('image-builder.build', { attributes: { 'image.id': imageId } }, () => needs.layers.build(imageId, recipe, { say, signal, isForced }));
    if (error !== undefined) {
      say(error, true);
      return await finish({ state: FAILED, error });
    }
    await finish({ state: READY, config: await configOf(needs.store, imageId) });
  } catch (reason) {
    if (signal.aborted) return await finish({ state: CANCELLED, error: 'The build was cancelled.' });
    const isKnown = reason instanceof DomainError;
    if (!isKnown) needs.logger.error({ err: reason, image: imageId }, 'A build failed');
    const error = isKnown ? reason.message : `The build failed inside Portico: ${String(reason instanceof Error ? reason.message : reason).slice(0, 1_000)}`;
    say(error, true);
    await finish({ state: FAILED, error });
  }
}

async function configOf(store: ImageStore, imageId: string): Promise<imageBuilder.ImageConfig> {
  const stored = await store.configOf(imageId);
  const series = await pythonSeriesOf(await store.layersOf(imageId), stored.environment.get('PATH') ?? '/usr/local/bin:/usr/bin:/bin');
  return imageBuilder.ImageConfig.create({
    ...stored,
    pythonVersion: series ?? '',
    pythonAbi: series ? `cp${series.replace('.', '')}` : '',
  });
}

