// Bundles the programs of one app into dist/, one file each and one for what they load on demand: node bundle.ts <project folder>
// A program is src/main.ts or src/<name>-main.ts.
import { globSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { build, type Plugin } from 'esbuild';

/** grpc-js and others call `require`, which an ES module has to make for itself. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/**
 * V8 keeps a program of nothing but ASCII in one byte a character, and any other in two. esbuild escapes
 * what it prints itself, but regular expressions stay as they are written.
 */
const ASCII_ONLY: Plugin = {
  name: 'ascii-only',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules.*\.[cm]?js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(/[\u0080-\uffff]/g, escaped),
    }));
  },
};

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const project = resolve(process.argv[2] ?? '.');
const programs = globSync(['src/main.ts', 'src/*-main.ts'], { cwd: project });

if (programs.length > 0) await rm(join(project, 'dist'), { recursive: true, force: true });
// Each by itself: what two programs share would otherwise be loaded whole by both.
for (const program of programs) {
  await build({
    absWorkingDir: project,
    entryPoints: [program],
    outdir: join(project, 'dist'),
    bundle: true,
    // What is imported on demand is not even read before.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    conditions: ['@portico/source'],
    plugins: [ASCII_ONLY],
    banner: { js: REQUIRE },
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    minifyWhitespace: true,
    logLevel: 'warning',
  });
}
