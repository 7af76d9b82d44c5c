import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Platform, repository } from '@portico/testing';

export const kinds = ['endpoint', 'asgi', 'wsgi', 'class', 'server'] as const;

/** What may be expected of an app now. */
export type Phase = 'serving' | 'stopped';

/** One app of the soak, and what was done to it. */
export interface SoakedApp {
  readonly host: string;
  /** `stopped` from before the command that stops it until the deploy that brings it back has ended. */
  readonly phase: Phase;
  /** How often it was stopped. */
  readonly stops: number;
  /** The newest version that has answered. */
  seen: number;
  redeploy(): Promise<void>;
  /** Another number of containers that are kept. */
  rescale(): Promise<void>;
  stop(): Promise<void>;
}

export async function deployedApp(platform: Platform, kind: (typeof kinds)[number]): Promise<SoakedApp> {
  const source = join(platform.home, `soaked-${kind}.py`);
  const template = await readFile(join(repository, 'tools/bench/apps/soaked.py'), 'utf8');
  let phase: Phase = 'stopped';
  let stops = 0;
  let version = 0;
  let minContainers = 1;
  const client = async (...args: string[]): Promise<void> => {
    const { exitCode, output } = await platform.modal(...args);
    if (exitCode !== 0) throw new Error(`modal ${args.join(' ')}: ${output}`);
  };
  const deploy = async (): Promise<void> => {
    const text = template
      .replace('KIND = "endpoint"', `KIND = "${kind}"`)
      .replace('VERSION = 1', `VERSION = ${version}`)
      .replace('MIN_CONTAINERS = 0', `MIN_CONTAINERS = ${minContainers}`);
    await writeFile(source, text);
    await client('deploy', source);
    phase = 'serving';
  };
  const app: SoakedApp = {
    host: `local--soaked-${kind}.localhost`,
    get phase() {
      return phase;
    },
    get stops() {
      return stops;
    },
    seen: 0,
    redeploy() {
      version += 1;
      return deploy();
    },
    rescale() {
      minContainers = (minContainers + 1) % 3;
      return deploy();
    },
    async stop() {
      phase = 'stopped';
      stops += 1;
      await client('app', 'stop', `soaked-${kind}`, '--yes');
    },
  };
  await app.redeploy();
  return app;
}
