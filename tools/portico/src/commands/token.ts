import { auth } from '@portico/contracts';
import { connectGrpc } from '@portico/grpc';
import { socketOf } from '@portico/service';
import { clientEnvironment } from '../client-token.ts';
import type { Config } from '../config.ts';
import { say, tableOf } from '../terminal.ts';
import { UserError } from '../user-error.ts';

const CALL = { deadlineMs: 5_000 };

/** `token create [--name N]`, `token list`, `token revoke ID`. */
export async function token(config: Config, [verb, tokenId]: readonly string[], name: string): Promise<void> {
  await using tokens = connectGrpc(auth.TokenServiceService, `unix://${socketOf(config.home, 'auth')}`);
  if (verb === 'create') {
    const created = await tokens.createToken(
      auth.CreateTokenRequest.create({ kind: auth.TokenKind.API, name, createdBy: 'operator' }),
      CALL,
    );
    const variables = clientEnvironment(config, { id: created.token?.tokenId ?? '', secret: created.secret });
    for (const [key, value] of Object.entries(variables)) say(`export ${key}=${value}`);
  } else if (verb === 'list') {
    const { tokens: found } = await tokens.listTokens(auth.ListTokensRequest.create({}), CALL);
    say(tableOf([['TOKEN', 'KIND', 'NAME', 'CREATED', 'STATE'], ...found.map(rowOf)]));
  } else if (verb === 'revoke' && tokenId) {
    await tokens.revokeToken(auth.RevokeTokenRequest.create({ tokenId }), CALL);
    say(`${tokenId} is revoked.`);
  } else throw new UserError('Say ./portico token create [--name NAME], list, or revoke TOKEN_ID.');
}

function rowOf({ tokenId, kind, name, createdAt, revokedAt, expiresAt }: auth.Token): string[] {
  const state = revokedAt ? 'revoked' : expiresAt && expiresAt < Date.now() / 1000 ? 'expired' : 'good';
  const kindName = kind === auth.TokenKind.PROXY ? 'proxy' : 'API';
  return [tokenId, kindName, name, new Date(createdAt * 1000).toISOString().slice(0, 16), state];
}
