import { readFile, rename, writeFile } from 'node:fs/promises';
import { auth } from '@portico/contracts';
import type { Tokens } from '../domain/tokens.ts';

/** Makes sure that the operator's own client has a working token; `portico env` prints it. */
export async function ensureClientToken(path: string, tokens: Tokens): Promise<void> {
  const known = await readToken(path);
  if (known && (await tokens.isGood(auth.TokenKind.API, known.token_id, known.token_secret))) return;
  const { token, secret } = await tokens.create({ kind: auth.TokenKind.API, name: 'operator', createdBy: 'portico' });
  await writeFile(`${path}.new`, JSON.stringify({ token_id: token.tokenId, token_secret: secret }), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function readToken(path: string): Promise<{ token_id: string; token_secret: string } | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as { token_id: string; token_secret: string };
  } catch {
    return undefined;
  }
}
