import { clientEnvironment, readClientToken } from '../client-token.ts';
import type { Config } from '../config.ts';
import { say } from '../terminal.ts';

/** Prints the exports for the modal client, for `eval "$(./portico env)"`. */
export async function env(config: Config): Promise<void> {
  const variables = clientEnvironment(config, await readClientToken(config.home));
  for (const [name, value] of Object.entries(variables)) say(`export ${name}=${value}`);
}
