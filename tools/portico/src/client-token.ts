import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { UserError } from './user-error.ts';

/** The operator's own credential, which auth makes at its first start. */
export interface ClientToken {
  readonly id: string;
  readonly secret: string;
}

export async function readClientToken(home: string): Promise<ClientToken> {
  const file = join(home, 'keys', 'client-token.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UserError(`There is no token in ${file} yet: run ./portico up first.`);
  });
  const { token_id, token_secret } = JSON.parse(text) as { token_id: string; token_secret: string };
  return { id: token_id, secret: token_secret };
}

/** What the modal client needs to find this instance. */
export function clientEnvironment({ sdkPort }: Config, { id, secret }: ClientToken): Record<string, string> {
  return { MODAL_SERVER_URL: `http://127.0.0.1:${sdkPort}`, MODAL_TOKEN_ID: id, MODAL_TOKEN_SECRET: secret };
}
