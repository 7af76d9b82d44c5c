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

/** A build that runs, or waits for its turn. */
export interface RunningBuild {
  readonly image: Image;
  /** Resolves when its record tells the end; rejects when that could not be written. */
  readonly done: Promise<void>;
}

export interface StartOptions {
  readonly isForced: boolean;
  /** The image whose place this one takes when it is ready. */
  readonly replaces?: string;
}

/** The builds of this process and the records of all images. */
export interface RunningBuilds extends AsyncDisposable {
  start(imageId: string, recipe: imageBuilder.Recipe, options: StartOptions): Promise<RunningBuild>;
  find(imageId: string): Promise<Image | undefined>;
  running(imageId: string): RunningBuild | undefined;
  /** What runs for an image; a build that a restart cut off is started again. */
  watch(imageId: string): Promise<RunningBuild | undefined>;
  /** Waits until an image is in the store, and makes it again if the store has lost it. */
  untilReady(imageId: string): Promise<void>;
  cancel(imageId: string): Promise<void>;
}

interface Needs {
  readonly images: Bucket<Image>;
  readonly store: ImageStore;
  readonly run: BuildRun;
}

interface State extends Needs {
  readonly running: Map<string, RunningBuild & { readonly cancelled: AbortController }>;
  /** Builds whose record is being written. */
  readonly starting: Map<string, Promise<RunningBuild>>;
  isClosing: boolean;
}

export function createRunningBuilds(needs: Needs): RunningBuilds {
  const state: State = { ...needs, running: new Map(), starting: new Map(), isClosing: false };
  return {
    start: (imageId, recipe, options) => start(state, imageId, recipe, options),
    find: (imageId) => find(state, imageId),
    running: (imageId) => state.running.get(imageId),
    watch: (imageId) => watch(state, imageId),
    untilReady: (imageId) => untilReady(state, imageId),
    async cancel(imageId) {
      const build = state.running.get(imageId);
      build?.cancelled.abort();
      await build?.done;
    },
    async [Symbol.asyncDispose]() {
      state.isClosing = true;
      for (const build of state.running.values()) build.cancelled.abort();
      await Promise.allSettled([...state.running.values()].map((build) => build.done));
    },
  };
}

async function find({ images }: State, imageId: string): Promise<Image | undefined> {
  return (await images.get(imageId))?.value;
}

/** Two that start the same image get the same build. */
function start(
  state: State,
  imageId: string,
  recipe: imageBuilder.Recipe,
  options: StartOptions,
): Promise<RunningBuild> {
  const known = state.running.get(imageId);
  if (known) return Promise.resolve(known);
  const starting =
    state.starting.get(imageId) ?? begin(state, imageId, recipe, options).finally(() => state.starting.delete(imageId));
  state.starting.set(imageId, starting);
  return starting;
}

async function begin(
  state: State,
  imageId: string,
  recipe: imageBuilder.Recipe,
  { isForced, replaces }: StartOptions,
): Promise<RunningBuild> {
  const image = startedImage(imageId, recipe, ((await find(state, imageId))?.attempt ?? 0) + 1);
  await state.images.put(imageId, image);
  const cancelled = new AbortController();
  const below = Promise.all(recipe.baseImageIds.map((id) => untilReady(state, id)));
  below.catch(() => undefined);
  const done = state
    .run(image, recipe, { isForced, below, signal: cancelled.signal })
    .then((outcome) => finish(state, image, outcome, replaces))
    .finally(() => state.running.delete(imageId));
  // Who waits for it learns of it; the next one to ask starts it again.
  done.catch(() => undefined);
  const build = { image, done, cancelled };
  state.running.set(imageId, build);
  return build;
}

async function finish(state: State, image: Image, outcome: BuildOutcome, replaces: string | undefined): Promise<void> {
  // A build that the end of the service cut off is still to be done.
  if (state.isClosing && outcome.state !== READY) return;
  await state.images.put(image.imageId, { ...image, ...outcome, finishedAt: Date.now() / 1000 });
  if (replaces && outcome.state === READY) {
    await state.images.modify(replaces, (now) => now && { ...now, replacedBy: image.imageId });
  }
}

async function untilReady(state: State, imageId: string): Promise<void> {
  await (await watch(state, imageId))?.done;
  const image = await find(state, imageId);
  if (image?.state === READY && (await state.store.has(storeName(imageId)))) return;
  if (image?.state === READY && canBuildAgain(image)) {
    await (await start(state, imageId, image.recipe, { isForced: false })).done;
    return untilReady(state, imageId);
  }
  const why = image?.error || 'deploy again.';
  throw new DomainError(
    'failed-precondition',
    'image.base_missing',
    `The image ${imageId} is needed but not there: ${why}`,
  );
}

async function watch(state: State, imageId: string): Promise<RunningBuild | undefined> {
  const known = state.running.get(imageId);
  if (known) return known;
  const image = await find(state, imageId);
  if (image?.state !== BUILDING || state.running.has(imageId)) return state.running.get(imageId);
  if (canBuildAgain(image)) return start(state, imageId, image.recipe, { isForced: false });
  const error = 'The build was cut off by a restart of the platform; deploy again.';
  await state.images.put(imageId, { ...image, state: FAILED, error, finishedAt: Date.now() / 1000 });
  return undefined;
}

/** An id that does not follow from the kept recipe is a forced build's, or parts were too large to keep. */
function canBuildAgain(image: Image): image is Image & { recipe: imageBuilder.Recipe } {
  return image.recipe !== undefined && isWhole(image.recipe, imageIdOf(image.recipe) === image.imageId);
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
