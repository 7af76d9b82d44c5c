import { randomUUID } from 'node:crypto';
import { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { ImageStore } from './adapters/image-store.ts';
import { storeName } from './domain/image-name.ts';
import { imageIdOf } from './domain/recipe-hash.ts';
import type { RunningBuild, RunningBuilds } from './running-builds.ts';

type Image = imageBuilder.Image;

/** All images: one build at a time per recipe, whoever asks. */
export interface Builds {
  ensure(request: imageBuilder.EnsureImageRequest): Promise<Image>;
  /** NOT_FOUND for an image that was never asked for. */
  get(imageId: string): Promise<Image>;
  find(imageId: string): Promise<Image | undefined>;
  watch(imageId: string): Promise<RunningBuild | undefined>;
  untilReady(imageId: string): Promise<void>;
  cancel(imageId: string): Promise<void>;
}

interface Wish {
  readonly recipe: imageBuilder.Recipe;
  readonly isForced: boolean;
  /** Whether a forced build takes the place of the image that the recipe has now. */
  readonly isKept: boolean;
}

export function createBuilds(store: ImageStore, running: RunningBuilds): Builds {
  const turns = new Map<string, Promise<Image>>();
  /** Recipe id → id of the forced build that is to take its place. */
  const coming = new Map<string, string>();
  return {
    find: running.find,
    watch: running.watch,
    untilReady: running.untilReady,
    cancel: running.cancel,
    async get(imageId) {
      const found = await running.find(imageId);
      if (!found) throw new DomainError('not-found', 'image.not_found', `There is no image ${imageId}.`);
      return found;
    },
    async ensure({ recipe, forceBuild, ignoreCache }) {
      if (!recipe) throw new DomainError('invalid-argument', 'image.recipe_missing', 'The image has no recipe.');
      const recipeId = imageIdOf(recipe);
      const wish = { recipe, isForced: forceBuild || ignoreCache, isKept: !ignoreCache };
      // One after the other, so that the second of two requests finds the build of the first.
      const turn = (turns.get(recipeId) ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => decide(store, running, coming, recipeId, wish));
      turns.set(recipeId, turn);
      return turn.finally(() => turns.get(recipeId) === turn && turns.delete(recipeId));
    },
  };
}

async function decide(
  store: ImageStore,
  running: RunningBuilds,
  coming: Map<string, string>,
  recipeId: string,
  { recipe, isForced, isKept }: Wish,
): Promise<Image> {
  const known = await running.find(recipeId);
  const currentId = coming.get(recipeId) ?? (known?.replacedBy || recipeId);
  const building = running.running(currentId);
  if (building) return building.image;
  if (known && isForced) {
    const imageId = imageIdOf(recipe, randomUUID());
    const build = await running.start(imageId, recipe, { isForced, ...(isKept ? { replaces: recipeId } : {}) });
    if (isKept) {
      coming.set(recipeId, imageId);
      void build.done.catch(() => undefined).then(() => coming.delete(recipeId));
    }
    return build.image;
  }
  const current = currentId === recipeId ? known : await running.find(currentId);
  const isReady = current?.state === imageBuilder.ImageState.READY;
  if (isReady && (await store.has(storeName(currentId)))) return current;
  return (await running.start(recipeId, recipe, { isForced })).image;
}
