import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { clientEnvironment, readClientToken } from './client-token.ts';
import type { Config } from './config.ts';
import { UserError } from './user-error.ts';

const ANSWER_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Deploys examples/hello.py with the official client, unless this very file is deployed already. */
export async function sayHello(config: Config, tell: (step: string) => void): Promise<{ url: string; answer: Answer }> {
  const marker = join(config.home, 'run', 'hello.json');
  const hash = createHash('sha256')
    .update(await readFile(exampleOf(config)))
    .digest('hex');
  const known = await readJson<{ hash: string; url: string }>(marker);
  if (known?.hash === hash) {
    const answer = await get(config, known.url);
    if (answer.status === 200) return { url: known.url, answer };
  }
  tell('deploying examples/hello.py with the modal client (the first time builds its image)');
  const url = await deploy(config);
  await writeFile(marker, JSON.stringify({ hash, url }), { mode: 0o600 });
  const answer = await get(config, url);
  if (answer.status !== 200)
    throw new UserError(`${url} answers ${answer.status}: ${answer.body.slice(0, 300).trim()}`);
  return { url, answer };
}

function exampleOf({ root }: Config): string {
  return join(root, 'examples', 'hello.py');
}

async function deploy(config: Config): Promise<string> {
  // A folder of its own, so that the operator's own client settings stay out of it.
  const folder = join(config.home, 'run', 'client');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const env = {
    ...config.passedOn,
    ...clientEnvironment(config, await readClientToken(config.home)),
    MODAL_CONFIG_PATH: join(folder, 'modal.toml'),
    HOME: folder,
    COLUMNS: '250',
    NO_COLOR: '1',
  };
  const python = join(config.root, '.toolchain', 'client-venv', 'bin', 'python');
  const output = await run(python, ['-m', 'modal', 'deploy', exampleOf(config)], env);
  const url = /https?:\/\/[^\s'"]*hello[^\s'"]*/.exec(output)?.[0];
  if (!url) throw new UserError(`The client deployed the hello but printed no URL:\n${output}`);
  return url;
}

function run(command: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { env, cwd: '/', timeout: 280_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error) reject(new UserError(`The hello could not be deployed:\n${`${stdout}${stderr}`.trimEnd()}`));
        else resolve(`${stdout}${stderr}`);
      },
    );
  });
}

/** GETs a public URL from this instance, whatever the host name resolves to. */
export async function get(config: Config, url: string): Promise<Answer> {
  const end = Date.now() + ANSWER_MS;
  for (;;) {
    try {
      return await getOnce(config, url);
    } catch (error) {
      if (Date.now() > end) throw new UserError(`${url} does not answer: ${(error as Error).message}.`);
      await pause(200);
    }
  }
}

function getOnce(config: Config, url: string): Promise<Answer> {
  const { host, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port: config.httpPort,
      path: pathname + search,
      headers: { host },
      timeout: ANSWER_MS,
      agent: false,
    });
    call.once('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    call.once('error', reject);
    call.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    call.end();
  });
}

async function readJson<T>(file: string): Promise<T | undefined> {
  return readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as T,
    () => undefined,
  );
}
