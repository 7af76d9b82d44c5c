import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auth } from '@portico/contracts';
import { macOfSecret, verifyToken } from './verify-token.ts';

const key = Buffer.alloc(32, 7);
const NOW = 1_000;

function stored(changes: Partial<auth.Token> = {}): auth.Token {
  return auth.Token.create({
    tokenId: 'wk-1',
    kind: auth.TokenKind.PROXY,
    secretMac: Buffer.from(macOfSecret(key, 'right')),
    ...changes,
  });
}

const cases: [
  string,
  Partial<auth.Token> | undefined,
  { secret?: string; kind?: auth.TokenKind; environmentName?: string },
  string,
][] = [
  ['the right secret', {}, {}, 'valid'],
  ['a wrong secret', {}, { secret: 'wrong' }, 'unknown'],
  ['an unknown id', undefined, {}, 'unknown'],
  ['a token of another kind', {}, { kind: auth.TokenKind.API }, 'unknown'],
  ['a revoked token', { revokedAt: 5 }, {}, 'revoked'],
  ['an expired token', { expiresAt: NOW }, {}, 'expired'],
  ['a token that expires later', { expiresAt: NOW + 1 }, {}, 'valid'],
  [
    'a scoped token in its environment',
    { isScoped: true, environmentNames: ['main'] },
    { environmentName: 'main' },
    'valid',
  ],
  [
    'a scoped token elsewhere',
    { isScoped: true, environmentNames: ['main'] },
    { environmentName: 'dev' },
    'other-environment',
  ],
  ['an unscoped token anywhere', {}, { environmentName: 'dev' }, 'valid'],
];

for (const [name, token, presented, expected] of cases) {
  test(`${name} is ${expected}`, () => {
    const verdict = verifyToken(
      { kind: auth.TokenKind.PROXY, id: 'wk-1', secret: 'right', ...presented },
      token && stored(token),
      key,
      NOW,
    );
    assert.equal(verdict.isValid ? 'valid' : verdict.refusal, expected);
  });
}
