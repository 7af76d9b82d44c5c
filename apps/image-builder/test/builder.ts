import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { env } from 'node:process';
import { imageBuilder } from '@portico/contracts';
import { connectGrpc, type GrpcClient } from '@portico/grpc';
import { socketOf } from '@portico/service';
import { natsServer, silentLog, type TestNats } from '@portico/testing';
import { readConfig } from '../src/config.ts';
import { startImageBuilder } from '../src/image-builder.ts';

export const { READY, FAILED, CANCELLED, BUILDING } = imageBuilder.ImageState;

/** Stands in for itself on every machine: made from packages once, then kept in the cache of the machine. */
export const PYTHON = 'python:3.11-slim-bookworm';

/** What a build came to: its image and all that was said. */
export interface Built {
  readonly imageId: string;
  readonly image: imageBuilder.Image;
  readonly text: string;
  readonly lines: readonly imageBuilder.BuildLogLine[];
}

/** A whole image-builder on a home of its own and a real NATS; the cache of the machine is shared. */
export interface TestBuilder extends AsyncDisposable {
  readonly home: string;
  readonly client: GrpcClient<typeof imageBuilder.ImageServiceService>;
  ensure(recipe: Partial<imageBuilder.Recipe>, options?: EnsureOptions): Promise<imageBuilder.EnsureImageResponse>;
  watch(imageId: string, afterEntry?: bigint): Promise<Built>;
  /** Asks for an image and waits for it. */
  build(recipe: Partial<imageBuilder.Recipe>, options?: EnsureOptions): Promise<Built>;
  /** Puts a file where control puts uploaded ones; returns its hash. */
  upload(content: string): Promise<string>;
  /** Ends the service and starts it again. */
  restart(): Promise<void>;
}

export interface EnsureOptions {
  readonly forceBuild?: boolean;
  readonly ignoreCache?: boolean;
}

const PATIENCE_MS = 240_000;

export async function openBuilder(settings: Record<string, string> = {}): Promise<TestBuilder> {
  const home = await mkdtemp(join(tmpdir(), 'pib-'));
  const opened = new AsyncDisposableStack();
  opened.defer(() => rm(home, { recursive: true, force: true }));
  const nats = opened.use(await natsServer());
  await mkdir(join(home, 'run'), { recursive: true });
  let service = await start(home, nats, settings);
  opened.defer(() => service.disposeAsync());
  const client = opened.use(connectGrpc(imageBuilder.ImageServiceService, `unix://${socketOf(home, 'image-builder')}`));
  const ensure: TestBuilder['ensure'] = (recipe, { forceBuild = false, ignoreCache = false } = {}) =>
    client.ensureImage(
      {
        recipe: imageBuilder.Recipe.create({ builderVersion: '2025.06', ...recipe }),
        forceBuild,
        ignoreCache,
        appId: '',
      },
      { deadlineMs: PATIENCE_MS },
    );
  const watch: TestBuilder['watch'] = (imageId, afterEntry = 0n) => watchBuild(client, imageId, afterEntry);
  return {
    home,
    client,
    ensure,
    watch,
    build: async (recipe, options) => watch((await ensure(recipe, options)).imageId),
    async upload(content) {
      const hash = createHash('sha256').update(content).digest('hex');
      const file = join(home, 'blobs', hash.slice(0, 2), hash);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      return hash;
    },
    async restart() {
      await service.disposeAsync();
      service = await start(home, nats, settings);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function start(home: string, nats: TestNats, settings: Record<string, string>): Promise<AsyncDisposableStack> {
  const opened = new AsyncDisposableStack();
  const { url, passwordFile } = nats.optionsOf('image-builder');
  const config = readConfig({
    ...env,
    PORTICO_HOME: home,
    PORTICO_NATS_URL: url,
    PORTICO_NATS_PASSWORD_FILE: passwordFile,
    ...settings,
  });
  await startImageBuilder(config, { opened, log: silentLog, stopping: new AbortController().signal });
  return opened;
}

async function watchBuild(client: TestBuilder['client'], imageId: string, afterEntry: bigint): Promise<Built> {
  const lines: imageBuilder.BuildLogLine[] = [];
  const request = { imageId, afterEntry, timeoutMs: PATIENCE_MS, includeFinished: true };
  for await (const response of client.watchBuild(request, { deadlineMs: PATIENCE_MS })) {
    lines.push(...response.lines);
    if (response.image) {
      return { imageId, image: response.image, lines, text: lines.map((line) => line.text).join('') };
    }
  }
  throw new Error(`the build of ${imageId} did not end`);
}
