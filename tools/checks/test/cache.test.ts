import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyRepository } from '../src/repository.ts';

const PROTO = 'proto/portico/auth/v1/auth.proto';

// Nx leaves git-ignored files out of its hashes, and generated code is git-ignored: a type check
// that does not know of the protos answers "success, from the cache" for code that no longer fits.
test('a renamed field of a proto makes the type check of an app that uses it fail, in spite of the cache', () => {
  using copy = copyRepository();
  const typecheck = () => copy.run('nx', 'run', 'auth:typecheck', '--output-style=static');
  const first = typecheck();
  assert.equal(first.status, 0, first.output);
  assert.match(typecheck().output, /Cache: +2\/2 hit|read the output from the cache/);

  const file = join(copy.folder, PROTO);
  writeFileSync(file, readFileSync(file, 'utf8').replace('bytes secret_mac = 4;', 'bytes secret_mac_renamed = 4;'));
  const second = typecheck();
  assert.notEqual(second.status, 0, second.output);
  assert.match(second.output, /secretMac/);
});

test('a changed type of a stored field is refused', () => {
  using copy = copyRepository();
  const before = join(copy.folder, 'proto-before');
  cpSync(join(copy.folder, 'proto'), before, { recursive: true });
  const file = join(copy.folder, PROTO);
  const compare = () => copy.run('buf', 'breaking', join(copy.folder, 'proto'), '--against', before);
  assert.equal(compare().status, 0, compare().output);
  writeFileSync(file, readFileSync(file, 'utf8').replace('bytes secret_mac = 4;', 'uint32 secret_mac = 4;'));
  const { status, output } = compare();
  assert.notEqual(status, 0);
  assert.match(output, /secret_mac/);
});
