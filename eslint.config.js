// Only what needs types or the project graph; Biome does the rest (biome.json).
// Run it through nx: without a cached project graph the boundary rule skips itself.
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const scopes = [
  'auth',
  'autoscaler',
  'bench',
  'checks',
  'control',
  'domains',
  'e2e',
  'image-builder',
  'node-agent',
  'portico',
  'router',
];

/** The libs wrap these; an app gets the wrapped thing, so that spans, errors and limits are made in one place. */
const wrapped = ['@grpc/*', '@nats-io/*', 'fastify', '@opentelemetry/sdk-*'];

/** `inTests` adds the testing lib to whatever may be used otherwise. */
function boundaries(inTests) {
  const kinds = (...names) => [...names, ...(inTests ? ['testing'] : [])].map((name) => `type:${name}`);
  return {
    allow: [],
    enforceBuildableLibDependency: false,
    banTransitiveDependencies: true,
    checkNestedExternalImports: false,
    // Tests of a lib use the testing lib, which is made of libs.
    ignoredCircularDependencies: ['grpc', 'messaging', 'service', 'telemetry', 'http', 'credentials'].map((lib) => [
      lib,
      'testing',
    ]),
    depConstraints: [
      {
        sourceTag: 'type:contract',
        onlyDependOnLibsWithTags: inTests ? ['type:testing'] : [],
        allowedExternalImports: ['@bufbuild/*', '@grpc/grpc-js'],
      },
      { sourceTag: 'type:pure', onlyDependOnLibsWithTags: ['type:pure'], bannedExternalImports: ['*'] },
      { sourceTag: 'type:platform', onlyDependOnLibsWithTags: kinds('pure', 'contract', 'platform') },
      { sourceTag: 'type:testing', onlyDependOnLibsWithTags: kinds('pure', 'contract', 'platform', 'testing') },
      {
        sourceTag: 'type:app',
        onlyDependOnLibsWithTags: kinds('pure', 'contract', 'platform'),
        bannedExternalImports: wrapped,
      },
      {
        sourceTag: 'type:e2e',
        onlyDependOnLibsWithTags: kinds('pure', 'contract', 'platform', 'testing'),
        bannedExternalImports: wrapped,
      },
      { sourceTag: 'scope:shared', onlyDependOnLibsWithTags: ['scope:shared'] },
      ...scopes.map((scope) => ({
        sourceTag: `scope:${scope}`,
        onlyDependOnLibsWithTags: [`scope:${scope}`, 'scope:shared'],
      })),
    ],
  };
}

/** A later block replaces an earlier one for the same file, so the lists are put together here. */
function restrictedImports(...patterns) {
  return ['error', { patterns }];
}

const noTestingOutsideTests = { group: ['@portico/testing'], message: 'Test help stays in tests.' };
const noTransportInDomain = {
  group: [
    '**/grpc/*',
    '**/http/*',
    '**/subjects/*',
    '**/adapters/*',
    '@portico/grpc',
    '@portico/http',
    '@portico/service',
  ],
  message: 'The domain knows no transport and no store: declare an interface here and implement it in adapters/.',
};
const noNodeInPureLibs = { group: ['node:*'], message: 'A pure lib needs nothing of its surroundings.' };

export default [
  { ignores: ['**/dist', '**/gen', '**/node_modules', '.nx', '.toolchain', '**/*.js'] },
  { plugins: { '@nx': nx, '@typescript-eslint': tseslint.plugin } },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@nx/enforce-module-boundaries': ['error', boundaries(false)],
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
    },
  },
  {
    files: ['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'libs/testing/**'],
    rules: { 'no-restricted-imports': restrictedImports(noTestingOutsideTests) },
  },
  {
    files: ['apps/*/src/domain/**/*.ts', 'tools/*/src/domain/**/*.ts'],
    rules: { 'no-restricted-imports': restrictedImports(noTestingOutsideTests, noTransportInDomain) },
  },
  {
    files: ['libs/errors/src/**/*.ts', 'libs/ids/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': restrictedImports(noTestingOutsideTests, noNodeInPureLibs) },
  },
  {
    files: ['**/*.test.ts', '**/test/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': ['error', boundaries(true)] },
  },
];
