import { imageBuilder } from '@portico/contracts';
import { type CallContext, serveAll, type ServedApi } from '@portico/grpc';
import type { EventStream } from '@portico/messaging';
import type { Builds } from '../builds.ts';
import type { FileSystems } from '../file-systems.ts';

interface Needs {
  readonly builds: Builds;
  readonly fileSystems: FileSystems;
  readonly log: EventStream<imageBuilder.BuildLogLine>;
}

export function imageApi({ builds, fileSystems, log }: Needs): ServedApi {
  return serveAll(imageBuilder.ImageServiceService, {
    async ensureImage(request) {
      const image = await builds.ensure(request);
      return { imageId: image.imageId, image };
    },
    watchBuild: (request, call) => watchBuild({ builds, log }, request, call),
    async cancelBuild({ imageId }) {
      await builds.cancel(imageId);
      return {};
    },
    getImage: async ({ imageId }) => ({ image: await builds.get(imageId) }),
    prepareFileSystem: (request) => fileSystems.prepare(request),
  });
}

async function* watchBuild(
  { builds, log }: Pick<Needs, 'builds' | 'log'>,
  { imageId, afterEntry, timeoutMs, includeFinished }: imageBuilder.WatchBuildRequest,
  call: CallContext,
): AsyncIterable<imageBuilder.WatchBuildResponse> {
  let image = await builds.get(imageId);
  if (image.state === imageBuilder.ImageState.BUILDING && image.recipe && !builds.running(imageId)) {
    // The builder was restarted in the middle: the recipe is still known.
    image = await builds.ensure(imageBuilder.EnsureImageRequest.create({ recipe: image.recipe }));
  }
  let cursor = Number(afterEntry);
  const give = async function* (): AsyncIterable<imageBuilder.WatchBuildResponse> {
    for await (const entry of log.read({ parts: [imageId], afterSequence: cursor, signal: call.signal })) {
      cursor = entry.sequence;
      if (entry.value.attempt === image.attempt) yield { lines: [entry.value], entry: BigInt(cursor), image: undefined };
    }
  };
  if (image.state !== imageBuilder.ImageState.BUILDING) {
    if (includeFinished || afterEntry > 0n) yield* give();
    yield { lines: [], entry: BigInt(cursor), image };
    return;
  }
  const over = new AbortController();
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs || 50_000)]);
  void Promise.resolve(builds.running(imageId)).then(() => over.abort());
  const signal = AbortSignal.any([limit, over.signal]);
  for await (const entry of log.follow({ parts: [imageId], afterSequence: cursor, signal })) {
    cursor = entry.sequence;
    if (entry.value.attempt === image.attempt) yield { lines: [entry.value], entry: BigInt(cursor), image: undefined };
  }
  if (limit.aborted) return;
  yield* give();
  yield { lines: [], entry: BigInt(cursor), image: await builds.get(imageId) };
}
