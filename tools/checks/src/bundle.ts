// Bundles the programs of one app into dist/, one file each: node bundle.ts <project folder>
// A program is src/main.ts or src/<name>-main.ts.
import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

/** grpc-js and others call `require`, which an ES module has to make for itself. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const project = resolve(process.argv[2] ?? '.');
const programs = globSync(['src/main.ts', 'src/*-main.ts'], { cwd: project });

if (programs.length > 0) {
  await build({
    absWorkingDir: project,
    entryPoints: programs,
    outdir: join(project, 'dist'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    conditions: ['@portico/source'],
    banner: { js: REQUIRE },
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    minifyWhitespace: true,
    logLevel: 'warning',
  });
}
