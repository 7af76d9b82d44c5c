import { control, type domains, type imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { GrpcClient } from '@portico/grpc';
import { newId } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { deployedApp, environmentOf, runningApp } from '../domain/apps.ts';
import { contentHashOf } from '../domain/content-hash.ts';
import { definitionOf, functionDataOf, handleOf, withUrls } from '../domain/function-reply.ts';
import { warningsOf } from '../domain/ignored-options.ts';
import { autoscalerSettingsOf } from '../domain/pool-of.ts';
import { claimHosts, definitionById, factsOf, functionById, precreatedOf } from '../functions.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

type ImageClient = GrpcClient<typeof imageBuilder.ImageServiceService>;

const PREPARE_DEADLINE_MS = 600_000;

/** Defining and looking up functions and classes. */
export function functionHandlers(
  state: State,
  customDomains: GrpcClient<typeof domains.DomainServiceService>,
  images: ImageClient,
): ModalHandlers {
  return {
    functionPrecreate: (request) => precreate(state, request),
    async functionCreate(request, call) {
      const clientVersion = call.header('x-modal-client-version') ?? '';
      const created = await create(state, customDomains, request, clientVersion);
      void prepareAhead(state, images, created.function, clientVersion);
      return created;
    },
    functionGet({ appName, objectTag, environmentName }) {
      const environment = environmentOf(state, environmentName).name;
      const app = deployedApp(state, appName, environment);
      const functionId = app?.functionIds.get(objectTag);
      if (!functionId)
        throw new DomainError(
          'not-found',
          'function.not_found',
          `There is no function "${objectTag}" in a deployed app "${appName}" of the environment "${environmentName || environment}".`,
        );
      const { functionId: id, handleMetadata, functionData } = described(state, functionById(state, functionId));
      return modal.FunctionGetResponse.create({ functionId: id, handleMetadata, function: functionData });
    },
    functionGetById({ functionId }) {
      const { handleMetadata, functionData } = described(state, functionById(state, functionId));
      return modal.FunctionGetByIdResponse.create({ handleMetadata, function: functionData });
    },
    functionGetSchedulingParams({ functionId }) {
      const { definitionId } = functionById(state, functionId);
      const settings = autoscalerSettingsOf(definitionById(state, definitionId));
      return modal.FunctionGetSchedulingParamsResponse.create({
        autoscalerConfiguration: modal.AutoscalerConfiguration.create({ settings, defaultSettings: settings }),
      });
    },
    async classCreate({ appId, existingClassId }) {
      const app = runningApp(state, appId);
      const classId = existingClassId || newId('class');
      if (!existingClassId) await state.apps.modify(app.appId, (now) => now && withClass(now, classId));
      return modal.ClassCreateResponse.create({ classId, handleMetadata: modal.ClassHandleMetadata.create({}) });
    },
    classGet({ appName, objectTag, environmentName }) {
      const environment = environmentOf(state, environmentName).name;
      const classId = deployedApp(state, appName, environment)?.classIds.get(objectTag);
      if (!classId)
        throw new DomainError(
          'not-found',
          'class.not_found',
          `There is no class "${objectTag}" in a deployed app "${appName}" of the environment "${environmentName || environment}".`,
        );
      return modal.ClassGetResponse.create({ classId, handleMetadata: modal.ClassHandleMetadata.create({}) });
    },
  };
}

/** The request names no class: it is one whose functions are there and that has no id yet. */
function withClass(app: control.App, classId: string): control.App | undefined {
  const free = [...app.functionIds.keys()]
    .filter((tag) => tag.endsWith('.*'))
    .map((tag) => tag.slice(0, -2))
    .find((name) => !app.classIds.has(name));
  return free ? { ...app, classIds: new Map([...app.classIds, [free, classId]]) } : undefined;
}

/** Makes the layers that the first container will need while the deploy goes on. */
async function prepareAhead(
  state: State,
  images: ImageClient,
  definition: modal.FunctionMessage | undefined,
  clientVersion: string,
): Promise<void> {
  if (!definition || definition.httpConfig?.liftAndShiftConfig) return;
  const { imageId } = definition;
  const builderVersion = state.images.get(imageId)?.builderVersion ?? '';
  await images
    .prepareFileSystem({ imageId, clientVersion, builderVersion }, { deadlineMs: PREPARE_DEADLINE_MS })
    .catch((error: unknown) =>
      state.log.warn({ err: error, image: imageId }, 'The layers of an image could not be prepared ahead'),
    );
}

function described(state: State, record: control.FunctionRecord) {
  const facts = factsOf(state, record);
  const definition = record.definitionId ? definitionById(state, record.definitionId) : precreatedOf(record);
  const sent = state.definitions.get(record.definitionId)?.functionData;
  const data = sent && sent.length > 0 ? modal.FunctionData.decode(sent) : undefined;
  const complete = withUrls(facts, definition);
  return {
    functionId: record.functionId,
    handleMetadata: handleOf(facts, definition),
    function: complete,
    functionData: functionDataOf(complete, data),
  };
}

async function precreate(
  state: State,
  request: modal.FunctionPrecreateRequest,
): Promise<modal.FunctionPrecreateResponse> {
  const app = runningApp(state, request.appId);
  const base = await recordOf(state, app, request.existingFunctionId, request.functionName);
  const precreate = Buffer.from(modal.FunctionPrecreateRequest.encode(request).finish());
  const { hosts } = await claimHosts(state, app, base, request);
  const record = await changed(state, base, { precreate, hosts });
  const definition = precreatedOf(record);
  return modal.FunctionPrecreateResponse.create({
    functionId: record.functionId,
    handleMetadata: handleOf(factsOf(state, record), definition),
  });
}

/** The record of a function of an app; of clients that define one at the same time all get the same id. */
async function recordOf(
  state: State,
  app: control.App,
  existingId: string,
  tag: string,
): Promise<control.FunctionRecord> {
  const existing = state.functions.get(existingId);
  if (existing && existing.appId !== app.appId)
    throw new DomainError('not-found', 'function.not_found', `There is no function ${existingId} in this app.`);
  if (existing && app.functionIds.get(tag) === existingId) return existing;
  const fresh = existing?.functionId ?? newId('function');
  const after = await state.apps.modify(app.appId, (now) =>
    now && (existing || !now.functionIds.has(tag))
      ? { ...now, functionIds: new Map([...now.functionIds, [tag, fresh]]) }
      : undefined,
  );
  const functionId = after?.functionIds.get(tag) ?? fresh;
  return state.functions.get(functionId) ?? control.FunctionRecord.create({ functionId, appId: app.appId, tag });
}

/** Writes some fields and leaves the others as somebody else may have written them. */
async function changed(
  state: State,
  base: control.FunctionRecord,
  fields: Partial<control.FunctionRecord>,
): Promise<control.FunctionRecord> {
  const after = await state.functions.modify(base.functionId, (now) => ({ ...(now ?? base), ...fields }));
  return after ?? { ...base, ...fields };
}

async function create(
  state: State,
  customDomains: GrpcClient<typeof domains.DomainServiceService>,
  request: modal.FunctionCreateRequest,
  clientVersion: string,
): Promise<modal.FunctionCreateResponse> {
  const app = runningApp(state, request.appId);
  const definition = definitionOf(request);
  if (!definition) throw new DomainError('invalid-argument', 'function.missing', 'The request holds no function.');
  await refuseWhatIsMissing(customDomains, definition);
  const known = await recordOf(state, app, request.existingFunctionId, definition.functionName);
  const contentHash = contentHashOf(definition, (id) => state.secrets.get(id)?.contentHash || id);
  const before = state.definitions.get(known.definitionId);
  const definitionId =
    before?.contentHash === contentHash && before.clientVersion === clientVersion
      ? before.definitionId
      : newId('definition');
  // Anonymous secrets have new ids at every deploy: the newest definition is kept, under the same id if nothing changed.
  await state.definitions.put(definitionId, {
    definitionId,
    functionId: known.functionId,
    appId: app.appId,
    tag: definition.functionName,
    function: Buffer.from(modal.FunctionMessage.encode(definition).finish()),
    functionData: request.functionData
      ? Buffer.from(modal.FunctionData.encode(request.functionData).finish())
      : Buffer.alloc(0),
    clientVersion,
    contentHash,
    createdAt: state.now(),
  });
  const { hosts, stolen } = await claimHosts(state, app, known, definition);
  const record = await changed(state, known, { definitionId, hosts });
  const reply = described(state, record);
  const webUrlInfo = modal.WebUrlInfo.create({ labelStolen: stolen.has('') });
  return modal.FunctionCreateResponse.create({
    ...reply,
    function: { ...reply.function, webUrlInfo },
    serverWarnings: warningsOf(definition),
  });
}

/** What can't be done yet is refused at deploy, not found out at run time. */
async function refuseWhatIsMissing(
  customDomains: GrpcClient<typeof domains.DomainServiceService>,
  definition: modal.FunctionMessage,
): Promise<void> {
  const configs = [
    definition.webhookConfig,
    ...[...definition.methodDefinitions.values()].map((method) => method.webhookConfig),
  ];
  const names = configs.flatMap((config) => config?.customDomains ?? []).map(({ name }) => name);
  if (names.length > 0) {
    const { refusal } = await customDomains.checkCustomDomains({ names }, { deadlineMs: 10_000 });
    if (refusal) throw new DomainError('failed-precondition', 'domain.refused', refusal);
  }
  if (definition.isBuilderFunction)
    throw new DomainError(
      'unimplemented',
      'image.run_function',
      'Image.run_function is not implemented by Portico yet: use run_commands.',
    );
}
