import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildSync } from 'esbuild';
import { createSourceNames } from '../src/adapters/source-names.ts';

test('a place in a bundle is shown as the place in the source that it was made from', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-names-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'src'));
  writeFileSync(
    join(folder, 'src/main.ts'),
    'type A = string;\n\n\nexport function fail(a: A) {\n  throw new Error(a);\n}\n',
  );
  buildSync({
    entryPoints: [join(folder, 'src/main.ts')],
    outdir: join(folder, 'dist'),
    sourcemap: true,
    format: 'esm',
    minifyWhitespace: true,
  });
  const { fail } = (await import(join(folder, 'dist/main.js'))) as { fail: (text: string) => never };
  const stack = await Promise.resolve('x')
    .then(fail)
    .catch((error: Error) => String(error.stack));
  assert.match(stack, /dist\/main\.js:1:/);
  assert.match(createSourceNames()(stack), new RegExp(`${folder}/src/main\\.ts:5:9`));
  assert.equal(createSourceNames()('at /none/dist/main.js:1:2'), 'at /none/dist/main.js:1:2');
});
