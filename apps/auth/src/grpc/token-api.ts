import { auth } from '@portico/contracts';
import { type ServedApi, serveAll } from '@portico/grpc';
import { signJwt } from '../domain/jwt.ts';
import type { Tokens } from '../domain/tokens.ts';

/** The gRPC door to tokens; only services of the platform can reach its socket. */
export function tokenApi(tokens: Tokens, key: Buffer): ServedApi {
  return serveAll(auth.TokenServiceService, {
    async createToken(request) {
      const { token, secret } = await tokens.create(request);
      return auth.CreateTokenResponse.create({ token, secret });
    },
    async revokeToken({ tokenId }) {
      await tokens.revoke(tokenId);
      return {};
    },
    listTokens: async ({ kind }) => ({ tokens: await tokens.list(kind) }),
    updateToken: async (request) => ({ token: await tokens.update(request) }),
    getVerificationKey: () => ({ key }),
    issueJwt({ subject, lifetimeSeconds }) {
      const iat = Math.floor(Date.now() / 1000);
      return { jwt: signJwt(key, { sub: subject, iat, exp: iat + lifetimeSeconds }) };
    },
  });
}
