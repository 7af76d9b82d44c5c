import type { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { newId } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { environmentOf, OPERATOR } from '../domain/apps.ts';
import { checkedName, checkedSuffix, suffixOfName } from '../domain/environment-names.ts';
import { stopApp } from '../publishing/stop-app.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

/** The versions of the image builder that images can be made with. */
const BUILDER_VERSIONS = ['2025.06', '2026.10'];

/** Namespaces of apps and secrets, each with its own part of host names. */
export function environmentHandlers(state: State): ModalHandlers {
  return {
    environmentGetOrCreate({ deploymentName }) {
      const environment = environmentOf(state, deploymentName);
      const { environmentId, name, imageBuilderVersion, webSuffix } = environment;
      const settings = modal.EnvironmentSettings.create({ imageBuilderVersion, webhookSuffix: webSuffix });
      return modal.EnvironmentGetOrCreateResponse.create({
        environmentId,
        metadata: modal.EnvironmentMetadata.create({ name, settings }),
      });
    },
    environmentList: () =>
      modal.EnvironmentListResponse.create({ items: state.environments.values().map((found) => itemOf(state, found)) }),
    environmentCreate: (request) => create(state, request),
    environmentUpdate: (request) => update(state, request),
    environmentDelete: ({ name }) => remove(state, name),
  };
}

async function create(
  state: State,
  { name, isManaged }: modal.EnvironmentCreateRequest,
): Promise<Record<string, never>> {
  if (isManaged)
    throw new DomainError(
      'unimplemented',
      'environment.restricted',
      'Portico has no roles yet: create the environment without --restricted.',
    );
  checkedName(name);
  const webSuffix = freeSuffix(state, name, suffixOfName(name));
  const [{ imageBuilderVersion }] = [environmentOf(state, '')];
  const environmentId = newId('environment');
  const fresh = { environmentId, name, webSuffix, isDefault: false, imageBuilderVersion, createdAt: state.now() };
  await state.environments.create(name, fresh).catch((error: unknown) => {
    if (DomainError.from(error).kind !== 'already-exists') throw error;
    throw new DomainError('already-exists', 'environment.exists', `There is an environment "${name}" already.`);
  });
  return {};
}

async function update(
  state: State,
  { currentName, name, webSuffix, imageBuilderVersion }: modal.EnvironmentUpdateRequest,
): Promise<modal.EnvironmentListItem> {
  const environment = environmentOf(state, currentName);
  if (name !== undefined && name !== environment.name)
    throw new DomainError(
      'unimplemented',
      'environment.no_rename',
      'Portico does not rename environments yet: create a new one and deploy there.',
    );
  const suffix = webSuffix === undefined ? environment.webSuffix : freeSuffix(state, environment.name, webSuffix);
  const version = imageBuilderVersion || BUILDER_VERSIONS[0];
  if (version === undefined || !BUILDER_VERSIONS.includes(version))
    throw new DomainError(
      'invalid-argument',
      'environment.builder_version',
      `There is no image builder ${version}; there are: ${BUILDER_VERSIONS.join(', ')}.`,
    );
  const changed = await state.environments.modify(
    environment.name,
    (now) =>
      now && {
        ...now,
        webSuffix: suffix,
        imageBuilderVersion: imageBuilderVersion === undefined ? now.imageBuilderVersion : version,
      },
  );
  return itemOf(state, changed ?? environment);
}

async function remove(state: State, name: string): Promise<Record<string, never>> {
  const environment = environmentOf(state, name);
  if (environment.isDefault)
    throw new DomainError(
      'failed-precondition',
      'environment.is_default',
      `The environment "${name}" is the default one and stays.`,
    );
  const isIn = ({ environmentName }: { environmentName: string }): boolean => environmentName === environment.name;
  await Promise.all(
    state.apps
      .values()
      .filter(isIn)
      .map(({ appId }) => stopApp(state, appId, OPERATOR)),
  );
  await Promise.all(
    state.secrets
      .values()
      .filter(isIn)
      .map(({ secretId }) => state.secrets.delete(secretId)),
  );
  await state.environments.delete(environment.name);
  return {};
}

/** Two environments with one suffix would claim each other's URLs. */
function freeSuffix(state: State, name: string, webSuffix: string): string {
  checkedSuffix(webSuffix);
  const holder = state.environments.values().find((other) => other.name !== name && other.webSuffix === webSuffix);
  if (holder)
    throw new DomainError(
      'failed-precondition',
      'environment.suffix_taken',
      `The web suffix "${webSuffix}" belongs to the environment "${holder.name}": choose another one.`,
    );
  return webSuffix;
}

function itemOf(state: State, environment: control.Environment): modal.EnvironmentListItem {
  const { environmentId, name, webSuffix, isDefault, imageBuilderVersion, createdAt } = environment;
  const running = [...state.placements.entries()].filter(([, { pool }]) => pool?.environmentName === name);
  return modal.EnvironmentListItem.create({
    environmentId,
    name,
    webhookSuffix: webSuffix,
    default: isDefault,
    imageBuilderVersion,
    createdAt,
    currentConcurrentTasks: running.length,
  });
}
