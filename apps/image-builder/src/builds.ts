import { randomUUID } from 'node:crypto';
import { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { Bucket } from '@portico/messaging';
import type { ImageStore } from './adapters/image-store.ts';
import type { BuildOutcome, BuildRun } from './build-run.ts';
import { storeName } from './domain/image-name.ts';
import { imageIdOf } from './domain/recipe-hash.ts';
import { isWhole, recipeToKeep } from './domain/recipe-record.ts';

type Image = imageBuilder.Image;
const { BUILDING, READY, FAILED } = imageBuilder.ImageState;

interface Needs {
  readonly images: Bucket<Image>;
  readonly store: ImageStore;
  readonly run: BuildRun;
}

/** All builds: one at a time per recipe, whoever asks. */
export interface Builds {
  ensure(request: imageBuilder.EnsureImageRequest): Promise<Image>;
  /** NOT_FOUND for an image that was never asked for. */
  get(imageId: string): Promise<Image>;
  find(imageId: string): Promise<Image | undefined>;
  /** The end of the build that runs for this image; one that a restart interrupted is started again. */
  watch(imageId: string): Promise<{ readonly done: Promise<void> } | undefined>;
  cancel(imageId: string): Promise<void>;
  /** Cancels what runs and waits for it. What was building is taken up again after a restart. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface Running {
  readonly image: Image;
  readonly done: Promise<void>;
  readonly cancelled: AbortController;
}

export function createBuilds({ images, store, run }: Needs): Builds {
  /** By image id. */
  const running = new Map<string, Running>();
  /** Recipe id → id of its image that is being built, and requests that are being decided. */
  const forced = new Map<string, string>();
  const deciding = new Map<string, Promise<Image>>();
  let isClosing = false;

  const find: Builds['find'] = async (imageId) => (await images.get(imageId))?.value;
  const get: Builds['get'] = async (imageId) => {
    const found = await find(imageId);
    if (!found) throw new DomainError('not-found', 'image.not_found', `There is no image ${imageId}.`);
    return found;
  };
  const start = async (
    imageId: string,
    recipe: imageBuilder.Recipe,
    isForced: boolean,
    replaces?: string,
  ): Promise<Image> => {
    const image = startedImage(imageId, recipe, ((await find(imageId))?.attempt ?? 0) + 1);
    await images.put(imageId, image);
    const cancelled = new AbortController();
    const below = recipe.baseImageIds.map((id) => ready(id));
    const finish = async (outcome: BuildOutcome): Promise<void> => {
      // A build that the end of the service cut off is still to be done.
      if (isClosing && outcome.state !== READY) return;
      await images.put(imageId, { ...image, ...outcome, finishedAt: Date.now() / 1000 });
      if (replaces && outcome.state === READY)
        await images.modify(replaces, (now) => now && { ...now, replacedBy: imageId });
    };
    const done = run(image, recipe, { isForced, below: Promise.all(below), signal: cancelled.signal })
      .then(finish)
      .finally(() => {
        running.delete(imageId);
        if (replaces) forced.delete(replaces);
      });
    // Who waits for it sees the record; a record that can't be written now is written by the next build.
    done.catch(() => undefined);
    running.set(imageId, { image, done, cancelled });
    return image;
  };
  /** Waits for an image that others stand on, and makes it again if the store has lost it. */
  const ready = async (imageId: string): Promise<void> => {
    await (await watch(imageId))?.done;
    const found = await get(imageId);
    if (found.state === READY && (await store.has(storeName(imageId)))) return;
    if (found.state === READY && found.recipe && isWhole(found.recipe, imageIdOf(found.recipe) === imageId)) {
      await start(imageId, found.recipe, false);
      return await ready(imageId);
    }
    throw new DomainError(
      'failed-precondition',
      'image.base_missing',
      `The image ${imageId}, on which this one stands, is not there: ${found.error || 'deploy again.'}`,
    );
  };
  const watch: Builds['watch'] = async (imageId) => {
    const known = running.get(imageId);
    if (known) return known;
    const image = await find(imageId);
    if (image?.state === BUILDING && !running.has(imageId)) await resume(image);
    return running.get(imageId);
  };
  const resume = async (image: Image): Promise<void> => {
    const { imageId, recipe } = image;
    // An id that does not follow from the kept recipe is one of a forced build, or parts were too large to keep.
    if (recipe && isWhole(recipe, imageIdOf(recipe) === imageId)) await start(imageId, recipe, false);
    else
      await images.put(imageId, {
        ...image,
        state: FAILED,
        error: 'The build was cut off by a restart of the platform; deploy again.',
        finishedAt: Date.now() / 1000,
      });
  };
  const decide = async (
    recipeId: string,
    recipe: imageBuilder.Recipe,
    isForced: boolean,
    isKept: boolean,
  ): Promise<Image> => {
    const known = await find(recipeId);
    const currentId = forced.get(recipeId) ?? (known?.replacedBy || recipeId);
    const building = running.get(currentId);
    if (building) return building.image;
    if (known && isForced) {
      const imageId = imageIdOf(recipe, randomUUID());
      if (isKept) forced.set(recipeId, imageId);
      return await start(imageId, recipe, true, isKept ? recipeId : undefined);
    }
    const current = currentId === recipeId ? known : await find(currentId);
    const isThere = await store.has(storeName(currentId));
    if (current?.state === READY && isThere) return current;
    return await start(recipeId, recipe, isForced);
  };
  return {
    find,
    get,
    watch,
    async ensure({ recipe, forceBuild, ignoreCache }) {
      if (!recipe) throw new DomainError('invalid-argument', 'image.recipe_missing', 'The image has no recipe.');
      const recipeId = imageIdOf(recipe);
      // Requests for one recipe are decided one after the other, so the second finds the build of the first.
      const turn = (deciding.get(recipeId) ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => decide(recipeId, recipe, forceBuild || ignoreCache, !ignoreCache));
      deciding.set(recipeId, turn);
      return await turn.finally(() => deciding.get(recipeId) === turn && deciding.delete(recipeId));
    },
    async cancel(imageId) {
      const build = running.get(imageId);
      build?.cancelled.abort();
      await build?.done;
    },
    async [Symbol.asyncDispose]() {
      isClosing = true;
      for (const build of running.values()) build.cancelled.abort();
      await Promise.allSettled([...running.values()].map((build) => build.done));
    },
  };
}

function startedImage(imageId: string, recipe: imageBuilder.Recipe, attempt: number): Image {
  return imageBuilder.Image.create({
    imageId,
    state: BUILDING,
    createdAt: Date.now() / 1000,
    builderVersion: recipe.builderVersion,
    recipe: recipeToKeep(recipe),
    attempt,
  });
}
