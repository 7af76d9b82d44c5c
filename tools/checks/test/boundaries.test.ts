import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { copyRepository } from '../src/repository.ts';

/** What each place must not import, one line of a planted file for each. */
const forbidden: Record<string, readonly string[]> = {
  'apps/auth/src/planted.ts': [
    '@portico/control',
    '../../control/src/main.ts',
    '@portico/errors/src/tables.ts',
    '@portico/testing',
    '@portico/e2e',
    '@grpc/grpc-js',
    '@nats-io/kv',
    'fastify',
    '@opentelemetry/sdk-node',
  ],
  'apps/auth/src/domain/planted.ts': [
    '@portico/grpc',
    '@portico/service',
    '../adapters/key-file.ts',
    '../grpc/token-api.ts',
  ],
  'libs/errors/src/planted.ts': ['@portico/telemetry', 'pino', 'node:fs'],
  'libs/contracts/src/planted.ts': ['@portico/errors', 'fastify'],
  'libs/messaging/src/planted.ts': ['@portico/testing', '@portico/auth'],
};

/** And what the same places may import. */
const allowed: Record<string, readonly string[]> = {
  'apps/auth/src/fine.ts': ['@portico/grpc', '@portico/errors', 'node:fs', './domain/tokens.ts'],
  'apps/auth/test/fine.test.ts': ['@portico/testing'],
  'libs/messaging/test/fine.test.ts': ['@portico/testing'],
};

const RULES = new Set(['@nx/enforce-module-boundaries', 'no-restricted-imports']);

interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly line: number; readonly message: string }[];
}

test('forbidden imports are refused, each of them, and allowed ones are not', () => {
  using copy = copyRepository();
  const planted = { ...forbidden, ...allowed };
  for (const [file, names] of Object.entries(planted)) {
    mkdirSync(dirname(join(copy.folder, file)), { recursive: true });
    writeFileSync(join(copy.folder, file), names.map((name) => `import '${name}';\n`).join(''));
  }
  // The rule reads Nx's cached project graph, and skips itself without one.
  const graph = copy.run('nx', 'show', 'projects');
  assert.equal(graph.status, 0, graph.output);
  const lint = copy.run('eslint', '--format=json', ...Object.keys(planted));
  const results = JSON.parse(lint.stdout) as LintResult[];
  const refused = (file: string): ReadonlySet<number> => {
    const messages = results.find(({ filePath }) => filePath.endsWith(`/${file}`))?.messages ?? [];
    return new Set(messages.filter(({ ruleId }) => RULES.has(ruleId ?? '')).map(({ line }) => line));
  };
  const passed = Object.entries(forbidden).flatMap(([file, names]) =>
    names.filter((_, index) => !refused(file).has(index + 1)).map((name) => `${file} may import ${name}`),
  );
  assert.deepEqual(passed, []);
  for (const file of Object.keys(allowed)) assert.deepEqual([...refused(file)], [], file);
});
