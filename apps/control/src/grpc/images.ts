import { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { CallContext, GrpcClient } from '@portico/grpc';
import { modal } from '@portico/modal-protocol';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';
import { secretById } from './secrets.ts';

type ImageClient = GrpcClient<typeof imageBuilder.ImageServiceService>;

const CALL_DEADLINE_MS = 60_000;
const STATIC_CREDENTIALS = 4;

/** Images: recipes go to image-builder, its log comes back. */
export function imageHandlers(state: State, images: ImageClient): ModalHandlers {
  return {
    async imageGetOrCreate(request) {
      const { imageId, image } = await images.ensureImage(
        {
          recipe: recipeOf(state, request),
          forceBuild: request.forceBuild,
          ignoreCache: request.ignoreCache,
          appId: request.appId,
        },
        { deadlineMs: CALL_DEADLINE_MS },
      );
      return modal.ImageGetOrCreateResponse.create({ imageId, ...resultOf(image) });
    },
    imageJoinStreaming: (request, call) => joinStreaming(images, request, call),
    async imageFromId({ imageId }) {
      const { image } = await images.getImage({ imageId }, { deadlineMs: CALL_DEADLINE_MS });
      return modal.ImageFromIdResponse.create({ imageId, metadata: resultOf(image).metadata });
    },
    imageGetByTag({ tag }) {
      throw new DomainError('not-found', 'image.no_tag', `There is no published image "${tag}".`);
    },
  };
}

function recipeOf(
  state: State,
  { image, builderVersion, buildFunctionId, namespace }: modal.ImageGetOrCreateRequest,
): imageBuilder.Recipe {
  if (!image) throw new DomainError('invalid-argument', 'image.missing', 'The request holds no image.');
  if (image.buildFunction || buildFunctionId) {
    throw new DomainError(
      'unimplemented',
      'image.run_function',
      'Image.run_function is not implemented by Portico yet: use run_commands.',
    );
  }
  const context = image.contextMountId ? state.mounts.get(image.contextMountId) : undefined;
  if (image.contextMountId && !context)
    throw new DomainError('not-found', 'mount.not_found', `There is no mount ${image.contextMountId}.`);
  return imageBuilder.Recipe.create({
    baseImageIds: image.baseImages.map(({ imageId }) => imageId),
    dockerfileCommands: image.dockerfileCommands,
    contextFiles: image.contextFiles.map(({ filename, data }) => ({ name: filename, data: Buffer.from(data) })),
    contextMountFiles: (context?.files ?? []).map(({ path, sha256Hex, mode }) => ({ path, sha256Hex, mode })),
    buildArgs: image.buildArgs,
    secretEnvironment: mergedSecrets(state, image.secretIds),
    registryAuth: registryAuthOf(state, image.imageRegistryConfig),
    builderVersion,
    contextGlobalMount: context?.globalName ?? '',
    needsGpu: Boolean(image.gpuConfig?.gpuType),
    isGlobal: namespace === modal.DeploymentNamespace.DEPLOYMENT_NAMESPACE_GLOBAL,
  });
}

/** All variables of some secrets; later ones win. */
export function mergedSecrets(state: State, secretIds: readonly string[]): Map<string, string> {
  return new Map(secretIds.flatMap((id) => [...state.box.open(secretById(state, id).sealed)]));
}

function registryAuthOf(
  state: State,
  config: modal.ImageRegistryConfig | undefined,
): imageBuilder.RegistryAuth | undefined {
  if (!config?.secretId) return undefined;
  const values = mergedSecrets(state, [config.secretId]);
  const username = values.get('REGISTRY_USERNAME');
  if (config.registryAuthType !== STATIC_CREDENTIALS || !username) {
    throw new DomainError(
      'unimplemented',
      'image.registry_auth',
      'Portico signs in to registries with REGISTRY_USERNAME and REGISTRY_PASSWORD in the secret; other ways are not implemented yet.',
    );
  }
  return { username, password: values.get('REGISTRY_PASSWORD') ?? '' };
}

function resultOf(image: imageBuilder.Image | undefined): {
  result?: modal.GenericResult;
  metadata?: modal.ImageMetadata;
} {
  const { READY, FAILED, CANCELLED } = imageBuilder.ImageState;
  const S = modal.GenericResult_GenericStatus;
  if (image?.state === READY) {
    const { pythonVersion, workingDirectory } = image.config ?? imageBuilder.ImageConfig.create({});
    return {
      result: modal.GenericResult.create({ status: S.GENERIC_STATUS_SUCCESS }),
      metadata: modal.ImageMetadata.create({
        imageBuilderVersion: image.builderVersion,
        ...(pythonVersion ? { pythonVersionInfo: `Python ${pythonVersion}` } : {}),
        ...(workingDirectory ? { workdir: workingDirectory } : {}),
      }),
    };
  }
  if (image?.state === FAILED)
    return { result: modal.GenericResult.create({ status: S.GENERIC_STATUS_FAILURE, exception: image.error }) };
  if (image?.state === CANCELLED)
    return { result: modal.GenericResult.create({ status: S.GENERIC_STATUS_TERMINATED, exception: image.error }) };
  return {};
}

async function* joinStreaming(
  images: ImageClient,
  request: modal.ImageJoinStreamingRequest,
  call: CallContext,
): AsyncIterable<modal.ImageJoinStreamingResponse> {
  const timeoutMs = Math.max(1, request.timeout) * 1_000;
  const watched = images.watchBuild(
    {
      imageId: request.imageId,
      afterEntry: /^\d{1,19}$/.test(request.lastEntryId) ? BigInt(request.lastEntryId) : 0n,
      timeoutMs,
      includeFinished: request.includeLogsForFinished,
    },
    { deadlineMs: timeoutMs + CALL_DEADLINE_MS, signal: call.signal },
  );
  for await (const { lines, entry, image } of watched) {
    const taskLogs = lines.map((line) =>
      modal.TaskLogs.create({
        data: line.text,
        fileDescriptor: line.isError ? 2 : 1,
        timestamp: Number(line.timeUnixNano / 1_000_000n) / 1_000,
      }),
    );
    yield modal.ImageJoinStreamingResponse.create({
      taskLogs,
      entryId: String(entry),
      ...resultOf(image),
      eof: image !== undefined,
    });
  }
}
