import { auth } from '@portico/contracts';
import { macOfSecret, verifyToken } from '@portico/credentials';
import { DomainError } from '@portico/errors';
import { newId } from '@portico/ids';

/** Where tokens are kept; the `tokens` bucket is one. */
export interface TokenStore {
  get(key: string): Promise<{ value: auth.Token } | undefined>;
  create(key: string, value: auth.Token): Promise<number>;
  modify(key: string, change: (now: auth.Token | undefined) => auth.Token | undefined): Promise<auth.Token | undefined>;
  entries(): Promise<{ value: auth.Token }[]>;
}

export interface NewToken {
  readonly kind: auth.TokenKind;
  readonly name: string;
  readonly createdBy: string;
  readonly isScoped?: boolean;
  readonly environmentNames?: readonly string[];
  /** 0 or absent = never. */
  readonly expiresInSeconds?: number;
}

export interface Tokens {
  create(wanted: NewToken): Promise<{ token: auth.Token; secret: string }>;
  revoke(tokenId: string): Promise<void>;
  list(kind: auth.TokenKind): Promise<auth.Token[]>;
  update(change: auth.UpdateTokenRequest): Promise<auth.Token>;
  isGood(kind: auth.TokenKind, id: string, secret: string): Promise<boolean>;
}

interface Needs {
  readonly bucket: TokenStore;
  readonly key: Uint8Array;
  readonly workspace: string;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

const idKinds = {
  [auth.TokenKind.API]: ['apiToken', 'apiTokenSecret'],
  [auth.TokenKind.PROXY]: ['proxyToken', 'proxyTokenSecret'],
} as const;

export function createTokens({ bucket, key, workspace, now }: Needs): Tokens {
  return {
    async create(wanted) {
      if (wanted.kind === auth.TokenKind.UNSPECIFIED) {
        throw new DomainError(
          'invalid-argument',
          'token.kind_missing',
          'Say which kind of token to make: API or proxy.',
        );
      }
      const [idKind, secretKind] = idKinds[wanted.kind];
      const secret = newId(secretKind);
      const token = auth.Token.create({
        tokenId: newId(idKind),
        kind: wanted.kind,
        workspace,
        secretMac: Buffer.from(macOfSecret(key, secret)),
        name: wanted.name,
        createdAt: now(),
        createdBy: wanted.createdBy,
        expiresAt: wanted.expiresInSeconds ? now() + wanted.expiresInSeconds : 0,
        isScoped: wanted.isScoped ?? false,
        environmentNames: [...(wanted.environmentNames ?? [])],
      });
      await bucket.create(token.tokenId, token);
      return { token, secret };
    },
    async revoke(tokenId) {
      if (!(await bucket.modify(tokenId, (token) => token && { ...token, revokedAt: now() })))
        throw unknownToken(tokenId);
    },
    async list(kind) {
      const all = (await bucket.entries()).map(({ value }) => value);
      return all
        .filter((token) => token.kind === kind && token.revokedAt === 0)
        .sort((a, b) => a.createdAt - b.createdAt);
    },
    async update(change) {
      const changed = await bucket.modify(change.tokenId, (token) => token && changedToken(token, change));
      if (!changed) throw unknownToken(change.tokenId);
      return changed;
    },
    async isGood(kind, id, secret) {
      return verifyToken({ kind, id, secret }, (await bucket.get(id))?.value, key, now()).isValid;
    },
  };
}

function changedToken(token: auth.Token, change: auth.UpdateTokenRequest): auth.Token {
  const removed = new Set(change.removeEnvironmentNames);
  const environmentNames = new Set(
    [...token.environmentNames, ...change.addEnvironmentNames].filter((name) => !removed.has(name)),
  );
  return { ...token, name: change.name ?? token.name, environmentNames: [...environmentNames] };
}

function unknownToken(tokenId: string): DomainError {
  return new DomainError('not-found', 'token.not_found', `There is no token ${tokenId}.`);
}
