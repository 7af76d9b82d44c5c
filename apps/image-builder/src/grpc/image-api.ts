import { imageBuilder } from '@portico/contracts';
import { type CallContext, type ServedApi, serveAll } from '@portico/grpc';
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

type Response = imageBuilder.WatchBuildResponse;

const DEFAULT_TIMEOUT_MS = 50_000;

async function* watchBuild(
  { builds, log }: Pick<Needs, 'builds' | 'log'>,
  { imageId, afterEntry, timeoutMs, includeFinished }: imageBuilder.WatchBuildRequest,
  call: CallContext,
): AsyncIterable<Response> {
  const before = await builds.get(imageId);
  const build = await builds.watch(imageId);
  const { attempt } = await builds.get(imageId);
  let cursor = Number(afterEntry);
  const take = function* ({
    sequence,
    value,
  }: {
    sequence: number;
    value: imageBuilder.BuildLogLine;
  }): Iterable<Response> {
    cursor = sequence;
    if (value.attempt === attempt) yield { lines: [value], entry: BigInt(cursor), image: undefined };
  };
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs || DEFAULT_TIMEOUT_MS)]);
  if (build) {
    const over = new AbortController();
    void build.done.catch(() => undefined).then(() => over.abort());
    const signal = AbortSignal.any([limit, over.signal]);
    for await (const entry of log.follow({ parts: [imageId], afterSequence: cursor, signal })) yield* take(entry);
    if (limit.aborted) return;
  }
  if (build || includeFinished || (afterEntry > 0n && before.attempt === attempt)) {
    for await (const entry of log.read({ parts: [imageId], afterSequence: cursor, signal: call.signal }))
      yield* take(entry);
  }
  const image = await builds.get(imageId);
  // A record that could not be written yet: the caller asks again.
  if (image.state !== imageBuilder.ImageState.BUILDING) yield { lines: [], entry: BigInt(cursor), image };
}
