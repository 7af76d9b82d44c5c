import { auth, control } from '@portico/contracts';
import { connectGrpc, type GrpcClient } from '@portico/grpc';
import { socketOf } from '@portico/service';
import { clientEnvironment } from '../client-token.ts';
import type { Config } from '../config.ts';
import { keysOf, shownName } from '../domain/environment-words.ts';
import { say, tableOf } from '../terminal.ts';
import { UserError } from '../user-error.ts';

const CALL = { deadlineMs: 5_000 };

export interface TokenOptions {
  readonly name: string;
  /** For callers of web functions with proxy auth, rather than for clients. */
  readonly isProxy: boolean;
  /** Only for these environments; empty = for all. */
  readonly environments: readonly string[];
}

type TokenClient = GrpcClient<typeof auth.TokenServiceService>;

/** `token create [--name N] [--proxy [--environment E]…]`, `token list`, `token revoke ID`. */
export async function token(config: Config, [verb, tokenId]: readonly string[], options: TokenOptions): Promise<void> {
  await using tokens = connectGrpc(auth.TokenServiceService, `unix://${socketOf(config.home, 'auth')}`);
  if (verb === 'create') await create(config, tokens, options);
  else if (verb === 'list') {
    const { API, PROXY } = auth.TokenKind;
    const found = await Promise.all([API, PROXY].map((kind) => tokens.listTokens({ kind }, CALL)));
    const environments = await environmentsOf(config).catch(() => []);
    const rows = found.flatMap((answer) => answer.tokens).map((token) => rowOf(token, environments));
    say(tableOf([['TOKEN', 'KIND', 'NAME', 'CREATED', 'ENVIRONMENTS', 'STATE'], ...rows]));
  } else if (verb === 'revoke' && tokenId) {
    await tokens.revokeToken(auth.RevokeTokenRequest.create({ tokenId }), CALL);
    say(`${tokenId} is revoked.`);
  } else throw new UserError('Say ./portico token create [--name NAME] [--proxy], list, or revoke TOKEN_ID.');
}

async function create(config: Config, tokens: TokenClient, options: TokenOptions): Promise<void> {
  const { name, isProxy, environments } = options;
  if (environments.length > 0 && !isProxy) throw new UserError('--environment limits proxy tokens: add --proxy.');
  const environmentNames = environments.length > 0 ? keysOf(await environmentsOf(config), environments) : [];
  const wanted = auth.CreateTokenRequest.create({
    kind: isProxy ? auth.TokenKind.PROXY : auth.TokenKind.API,
    name,
    createdBy: 'operator',
    isScoped: environments.length > 0,
    environmentNames,
  });
  const { token, secret } = await tokens.createToken(wanted, CALL);
  const id = token?.tokenId ?? '';
  if (isProxy) return say(`Modal-Key: ${id}\nModal-Secret: ${secret}`);
  for (const [key, value] of Object.entries(clientEnvironment(config, { id, secret }))) say(`export ${key}=${value}`);
}

/** Tokens name environments by what their data is kept under, so that a rename changes no token. */
async function environmentsOf({ home }: Config): Promise<control.Environment[]> {
  await using operator = connectGrpc(control.OperatorServiceService, `unix://${socketOf(home, 'control')}`);
  return (await operator.listEnvironments({}, CALL)).environments;
}

function rowOf(token: auth.Token, environments: readonly control.Environment[]): string[] {
  const { tokenId, kind, name, createdAt, revokedAt, expiresAt, isScoped, environmentNames } = token;
  const state = revokedAt ? 'revoked' : expiresAt && expiresAt < Date.now() / 1000 ? 'expired' : 'good';
  const kindName = kind === auth.TokenKind.PROXY ? 'proxy' : 'API';
  return [
    tokenId,
    kindName,
    name,
    new Date(createdAt * 1000).toISOString().slice(0, 16),
    isScoped ? environmentNames.map((key) => shownName(environments, key)).join(' ') : 'all',
    state,
  ];
}
