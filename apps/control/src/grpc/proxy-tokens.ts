import { auth } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { GrpcClient } from '@portico/grpc';
import { modal } from '@portico/modal-protocol';
import { environmentOf, OPERATOR } from '../domain/apps.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

const CALL = { deadlineMs: 5_000 };

/** Tokens for callers of web functions with `requires_proxy_auth`; auth keeps them, routers verify them. */
export function proxyTokenHandlers(state: State, tokens: GrpcClient<typeof auth.TokenServiceService>): ModalHandlers {
  const kind = auth.TokenKind.PROXY;
  const update = async (change: Partial<auth.UpdateTokenRequest>): Promise<Record<string, never>> => {
    await tokens.updateToken(auth.UpdateTokenRequest.create(change), CALL);
    return {};
  };
  const all = async (): Promise<auth.Token[]> => (await tokens.listTokens({ kind }, CALL)).tokens;
  return {
    async webhookTokenCreate({ scoped, name }) {
      const wanted = auth.CreateTokenRequest.create({ kind, name, isScoped: scoped, createdBy: OPERATOR });
      const { token, secret } = await tokens.createToken(wanted, CALL);
      return modal.TokenCreateResponse.create({ tokenId: token?.tokenId ?? '', tokenSecret: secret });
    },
    webhookTokenList: async () => modal.WebhookTokenListResponse.create({ tokens: (await all()).map(shown) }),
    async webhookTokenListForEnvironment({ environmentName }) {
      const { name } = environmentOf(state, environmentName);
      const found = (await all()).filter((token) => !token.isScoped || token.environmentNames.includes(name));
      return modal.WebhookTokenListResponse.create({ tokens: found.map(shown) });
    },
    async webhookTokenUpdate({ tokenId, name }) {
      const { token } = await tokens.updateToken(auth.UpdateTokenRequest.create({ tokenId, name: name ?? '' }), CALL);
      return shown(token ?? auth.Token.create({ tokenId, name: name ?? '' }));
    },
    webhookTokenEnvironmentAdd: ({ tokenId, environmentId }) =>
      update({ tokenId, addEnvironmentNames: [nameOf(state, environmentId)] }),
    webhookTokenEnvironmentRemove: ({ tokenId, environmentId }) =>
      update({ tokenId, removeEnvironmentNames: [nameOf(state, environmentId)] }),
    async webhookTokenDelete({ tokenId }) {
      await tokens.revokeToken({ tokenId }, CALL);
      return {};
    },
  };
}

function nameOf(state: State, environmentId: string): string {
  const found = state.environments.values().find((environment) => environment.environmentId === environmentId);
  if (!found) throw new DomainError('not-found', 'environment.not_found', `There is no environment ${environmentId}.`);
  return found.name;
}

function shown({ tokenId, createdAt, isScoped, name, createdBy }: auth.Token): modal.WebhookToken {
  return modal.WebhookToken.create({
    tokenId,
    createdAt,
    scoped: isScoped,
    name,
    createdBy: modal.UserIdentity.create({ username: createdBy }),
  });
}
