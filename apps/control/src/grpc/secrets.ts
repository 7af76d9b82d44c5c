import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { newId } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { environmentOf, environmentTitleOf, OPERATOR } from '../domain/apps.ts';
import { currentNameOf } from '../domain/environments.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

const T = modal.ObjectCreationType;

/** Secrets: sealed at rest, shown to nobody but the containers that name them. */
export function secretHandlers(state: State): ModalHandlers {
  return {
    secretGetOrCreate: (request) => {
      const { deploymentName: name, environmentName } = request;
      if (!name) return getOrCreate(state, request);
      return state.turns.take(`secret ${environmentOf(state, environmentName).name}/${name}`, () =>
        getOrCreate(state, request),
      );
    },
    secretList({ environmentName }) {
      const environment = environmentOf(state, environmentName);
      const isIn = (secret: control.SecretRecord): boolean => secret.environmentName === environment.name;
      const named = state.secrets.values().filter((secret) => secret.name && isIn(secret));
      return modal.SecretListResponse.create({
        environmentName: currentNameOf(environment),
        items: named
          .sort((a, b) => b.createdAt - a.createdAt)
          .map((secret) =>
            modal.SecretListItem.create({
              label: secret.name,
              createdAt: secret.createdAt,
              environmentName: currentNameOf(environment),
              secretId: secret.secretId,
              lastUsedAt: secret.lastUsedAt,
              metadata: metadataOf(state, secret),
            }),
          ),
      });
    },
    secretGetInfo: ({ secretId }) =>
      modal.SecretGetInfoResponse.create({ metadata: metadataOf(state, secretById(state, secretId)) }),
    async secretDelete({ secretId }) {
      secretById(state, secretId);
      await state.secrets.delete(secretId);
      return {};
    },
    async secretUpdate({ secretId, updates }) {
      secretById(state, secretId);
      await state.secrets.modify(secretId, (secret) => {
        if (!secret) return undefined;
        const values = state.box.open(secret.sealed);
        for (const { key, value } of updates) {
          if (value === undefined) values.delete(key);
          else values.set(key, value);
        }
        return { ...secret, ...contentOf(state, values) };
      });
      return {};
    },
  };
}

export function secretById(state: State, secretId: string): control.SecretRecord {
  const secret = state.secrets.get(secretId);
  if (!secret) throw new DomainError('not-found', 'secret.not_found', `There is no secret ${secretId}.`);
  return secret;
}

function metadataOf(state: State, secret: control.SecretRecord): modal.SecretMetadata {
  return modal.SecretMetadata.create({
    name: secret.name,
    creationInfo: { createdAt: secret.createdAt, createdBy: secret.createdBy },
    keys: secret.keys,
    environmentName: environmentTitleOf(state, secret),
    lastUsedAt: secret.lastUsedAt,
  });
}

function contentOf(
  state: State,
  values: Map<string, string>,
): Pick<control.SecretRecord, 'keys' | 'sealed' | 'contentHash'> {
  return { keys: [...values.keys()].sort(), sealed: state.box.seal(values), contentHash: state.box.hashOf(values) };
}

async function getOrCreate(
  state: State,
  request: modal.SecretGetOrCreateRequest,
): Promise<modal.SecretGetOrCreateResponse> {
  const environment = environmentOf(state, request.environmentName).name;
  const name = request.deploymentName;
  const known = name
    ? state.secrets.values().find((secret) => secret.name === name && secret.environmentName === environment)
    : undefined;
  switch (request.objectCreationType) {
    case T.OBJECT_CREATION_TYPE_UNSPECIFIED:
      if (!known)
        throw new DomainError(
          'not-found',
          'secret.not_found',
          `There is no secret "${name}" in the environment "${request.environmentName || environment}": create it with "modal secret create ${name} KEY=value".`,
        );
      requireKeys(known, request.requiredKeys);
      return reply(state, known);
    case T.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
      if (known)
        throw new DomainError(
          'already-exists',
          'secret.exists',
          `There is a secret "${name}" in the environment "${request.environmentName || environment}" already.`,
        );
      return reply(state, await store(state, request, environment, name));
    case T.OBJECT_CREATION_TYPE_CREATE_IF_MISSING:
      return reply(state, known ?? (await store(state, request, environment, name)));
    case T.OBJECT_CREATION_TYPE_CREATE_OVERWRITE_IF_EXISTS:
      return reply(state, await store(state, request, environment, name, known));
    default:
      return reply(state, await store(state, request, environment, ''));
  }
}

function requireKeys(secret: control.SecretRecord, required: readonly string[]): void {
  const missing = required.filter((key) => !secret.keys.includes(key));
  if (missing.length === 0) return;
  throw new DomainError(
    'failed-precondition',
    'secret.keys_missing',
    `The secret "${secret.name}" lacks the keys ${missing.join(', ')}.`,
  );
}

async function store(
  state: State,
  request: modal.SecretGetOrCreateRequest,
  environmentName: string,
  name: string,
  known?: control.SecretRecord,
): Promise<control.SecretRecord> {
  const secret = control.SecretRecord.create({
    secretId: known?.secretId ?? newId('secret'),
    name,
    environmentName,
    appId: name ? '' : request.appId,
    createdAt: known?.createdAt ?? state.now(),
    createdBy: OPERATOR,
    ...contentOf(state, request.envDict),
  });
  await state.secrets.put(secret.secretId, secret);
  return secret;
}

function reply(state: State, secret: control.SecretRecord): modal.SecretGetOrCreateResponse {
  return modal.SecretGetOrCreateResponse.create({ secretId: secret.secretId, metadata: metadataOf(state, secret) });
}
