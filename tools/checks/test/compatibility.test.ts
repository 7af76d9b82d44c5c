import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readProjectFile, root } from '../src/repository.ts';

const NOT_YET = /^(?:[\w ]+: )?not yet(?:: .+)?$/;
/** Custom domains and TLS, W23 and W24, have pages of their own. */
const IDS = Array.from({ length: 30 }, (_, index) => `W${index + 1}`).filter((id) => id !== 'W23' && id !== 'W24');

const rows = readProjectFile('docs/compatibility.md')
  .split('\n')
  .flatMap((line) => {
    const [, id = '', proofs = ''] = /^\| (W\d+) \| .+ \| (.+) \|$/.exec(line) ?? [];
    return id ? [{ id, proofs: proofs.split('<br>') }] : [];
  });

/** Names of the tests of a file, those of sub-tests too. */
function testsIn(file: string): Set<string> {
  if (!existsSync(join(root, file))) return new Set();
  const names = readProjectFile(file).matchAll(/\btest\(\s*(['"`])((?:(?!\1).)*)\1/g);
  return new Set([...names].map(([, , name = '']) => name));
}

test('the table of web features has a row for each, in order', () => {
  assert.deepEqual(
    rows.map(({ id }) => id),
    IDS,
  );
});

test('every web feature names tests that there are, or says that there is none yet', () => {
  const wrong = rows.flatMap(({ id, proofs }) =>
    proofs
      .filter((proof) => {
        const [, file, name = ''] = /^`([\w-]+\.test\.ts)` (.+)$/.exec(proof) ?? [];
        return file ? !testsIn(`e2e/test/${file}`).has(name) : !NOT_YET.test(proof);
      })
      .map((proof) => `${id}: ${proof}`),
  );
  assert.deepEqual(wrong, []);
});
