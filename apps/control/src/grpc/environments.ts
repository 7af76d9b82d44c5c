import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { newId } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { environmentOf, OPERATOR } from '../domain/apps.ts';
import { checkedName, checkedSuffix, suffixOfName } from '../domain/environment-names.ts';
import { currentNameOf, renamed, withoutFormerName } from '../domain/environments.ts';
import { dropLimits } from '../limits.ts';
import { stopApp } from '../publishing/stop-app.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

/** What gives and changes names takes turns. */
const NAMES = 'names of environments';
/** The versions of the image builder that images can be made with. */
const BUILDER_VERSIONS = ['2025.06', '2026.10'];

/** Namespaces of apps and secrets, each with its own part of host names. */
export function environmentHandlers(state: State): ModalHandlers {
  return {
    environmentGetOrCreate({ deploymentName }) {
      const environment = environmentOf(state, deploymentName);
      const { environmentId, imageBuilderVersion, webSuffix } = environment;
      const settings = modal.EnvironmentSettings.create({ imageBuilderVersion, webhookSuffix: webSuffix });
      return modal.EnvironmentGetOrCreateResponse.create({
        environmentId,
        metadata: modal.EnvironmentMetadata.create({ name: currentNameOf(environment), settings }),
      });
    },
    environmentList: () =>
      modal.EnvironmentListResponse.create({ items: state.environments.values().map((found) => itemOf(state, found)) }),
    environmentCreate: (request) => state.turns.take(NAMES, () => create(state, request)),
    environmentUpdate: (request) => state.turns.take(NAMES, () => update(state, request)),
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
  requireFree(state, name);
  const webSuffix = freeSuffix(state, undefined, suffixOfName(name));
  const [{ imageBuilderVersion }] = [environmentOf(state, '')];
  const environmentId = newId('environment');
  // The data of one that had the name before is kept under it.
  const key = state.environments.get(name) ? environmentId : name;
  const fresh = control.Environment.create({
    ...{ environmentId, name: key, currentName: name, webSuffix, imageBuilderVersion },
    createdAt: state.now(),
  });
  await takeOver(state, name);
  await state.environments.create(key, fresh);
  return {};
}

async function update(
  state: State,
  { currentName, name, webSuffix, imageBuilderVersion }: modal.EnvironmentUpdateRequest,
): Promise<modal.EnvironmentListItem> {
  const environment = environmentOf(state, currentName);
  const isRenamed = name !== undefined && name !== currentNameOf(environment);
  if (isRenamed) {
    checkedName(name);
    requireFree(state, name);
  }
  const suffix = webSuffix === undefined ? environment.webSuffix : freeSuffix(state, environment, webSuffix);
  const version = imageBuilderVersion || BUILDER_VERSIONS[0];
  if (version === undefined || !BUILDER_VERSIONS.includes(version))
    throw new DomainError(
      'invalid-argument',
      'environment.builder_version',
      `There is no image builder ${version}; there are: ${BUILDER_VERSIONS.join(', ')}.`,
    );
  if (isRenamed) await takeOver(state, name);
  const changed = await state.environments.modify(
    environment.name,
    (now) =>
      now && {
        ...(isRenamed ? renamed(now, name) : now),
        webSuffix: suffix,
        imageBuilderVersion: imageBuilderVersion === undefined ? now.imageBuilderVersion : version,
      },
  );
  return itemOf(state, changed ?? environment);
}

async function remove(state: State, name: string): Promise<Record<string, never>> {
  const environment = environmentOf(state, name);
  // A name of before is no proof that this one is meant.
  if (currentNameOf(environment) !== (name || currentNameOf(environment)))
    throw new DomainError(
      'failed-precondition',
      'environment.renamed',
      `The environment "${name}" is called "${currentNameOf(environment)}" now: delete it by that name.`,
    );
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
  await dropLimits(state, environment.name);
  await state.environments.delete(environment.name);
  return {};
}

/** No other environment is called so now. */
function requireFree(state: State, name: string): void {
  if (state.environments.values().every((other) => currentNameOf(other) !== name)) return;
  throw new DomainError('already-exists', 'environment.exists', `There is an environment "${name}" already.`);
}

/** A name leads no more to those who had it before. */
async function takeOver(state: State, name: string): Promise<void> {
  for (const other of state.environments.values())
    await state.environments.modify(other.name, (now) => now && withoutFormerName(now, name));
}

/** Two environments with one suffix would claim each other's URLs. */
function freeSuffix(state: State, own: control.Environment | undefined, webSuffix: string): string {
  checkedSuffix(webSuffix);
  const holder = state.environments.values().find((other) => other.name !== own?.name && other.webSuffix === webSuffix);
  if (holder)
    throw new DomainError(
      'failed-precondition',
      'environment.suffix_taken',
      `The web suffix "${webSuffix}" belongs to the environment "${currentNameOf(holder)}": choose another one.`,
    );
  return webSuffix;
}

function itemOf(state: State, environment: control.Environment): modal.EnvironmentListItem {
  const { environmentId, webSuffix, isDefault, imageBuilderVersion, createdAt } = environment;
  const running = [...state.placements.entries()].filter(([, { pool }]) => pool?.environmentName === environment.name);
  return modal.EnvironmentListItem.create({
    environmentId,
    name: currentNameOf(environment),
    webhookSuffix: webSuffix,
    default: isDefault,
    imageBuilderVersion,
    createdAt,
    currentConcurrentTasks: running.length,
  });
}
