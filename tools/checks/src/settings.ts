import { join } from 'node:path';
import { matchesIn } from './pages.ts';
import { projectFiles, readProjectFile, root } from './repository.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type ReadConfig = (env: Environment) => unknown;

/** A program's settings, learned from its own `readConfig` rather than from its text. */
export interface ProjectSettings {
  readonly project: string;
  /** Names of ours that it asks its environment for. */
  readonly names: ReadonlySet<string>;
  /** What it says of a value that makes no sense: `1 to 65535`, or the choices. */
  readonly bounds: ReadonlyMap<string, string>;
  /** Whether a value leaves everything as it is when the variable is not set. */
  isDefault(name: string, value: string): boolean;
}

const OURS = /^(PORTICO|OTEL)_/;
/** What has no default: the supervisor sets it. */
const SUPERVISED = { PORTICO_NATS_URL: 'nats://127.0.0.1:1' };
/** Copies of the environment itself. */
const COPIES = new Set(['environment', 'passedOn', 'isNamed']);

/** Every program that reads its environment in a `config.ts`. */
export async function projectSettings(): Promise<ProjectSettings[]> {
  const files = projectFiles(/^(apps|tools)\/[^/]+\/src\/config\.ts$/);
  return Promise.all(
    files.map(async (file) => {
      const { readConfig } = (await import(join(root, file))) as { readConfig: ReadConfig };
      return {
        project: file.split('/').slice(0, 2).join('/'),
        names: namesReadBy(readConfig),
        bounds: boundsOf(readConfig),
        isDefault: (name, value) =>
          textOf(readConfig({ ...SUPERVISED, [name]: value })) === textOf(readConfig(SUPERVISED)),
      };
    }),
  );
}

/** The runner is Python, and the testing lib reads where it needs; both are read as text. */
export function namesInText(file: string): string[] {
  return matchesIn(readProjectFile(file), /(?:environ\.get\("|env\[')(PORTICO_[A-Z_]+)/g);
}

function namesReadBy(readConfig: ReadConfig): Set<string> {
  const names = new Set<string>();
  const env = new Proxy<Environment>(
    {},
    {
      get(_, name) {
        if (OURS.test(String(name))) names.add(String(name));
        return (SUPERVISED as Environment)[String(name)];
      },
    },
  );
  readConfig(env);
  return names;
}

function boundsOf(readConfig: ReadConfig): Map<string, string> {
  const bounds = new Map<string, string>();
  try {
    readConfig(new Proxy<Environment>({}, { get: () => 'no sense' }));
  } catch (error) {
    for (const problem of (error as { problems?: readonly string[] }).problems ?? []) {
      const [, name, text] = /^(\w+) must be (?:a whole number from|one of) (.*), not /.exec(problem) ?? [];
      if (name && text) bounds.set(name, text);
    }
  }
  return bounds;
}

function textOf(config: unknown): string {
  return JSON.stringify(config, (key, value: unknown) => (COPIES.has(key) ? undefined : value));
}
