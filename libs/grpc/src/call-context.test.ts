import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { headerOf } from './call-context.ts';

const table: readonly [given: string | undefined, value: string | undefined][] = [
  [undefined, undefined],
  ['', ''],
  ['ak-1', 'ak-1'],
  ['ak-1, ak-1', 'ak-1'],
  ['ak-1, ak-1, ak-1', 'ak-1'],
  ['ak-1, ak-2', 'ak-1, ak-2'],
  ['Debian, 12', 'Debian, 12'],
];

for (const [given, value] of table)
  test(`a header that is ${given === undefined ? 'absent' : `"${given}"`} is ${value ?? 'undefined'}`, () => {
    const metadata = new Metadata();
    if (given !== undefined) metadata.set('x-name', given);
    assert.equal(headerOf(metadata, 'x-name'), value);
  });
