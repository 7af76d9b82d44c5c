import { createHmac, timingSafeEqual } from 'node:crypto';
import type { auth } from '@portico/contracts';

/** Why a credential is refused; `unknown` also stands for a wrong secret, so that ids can't be probed. */
export type Refusal = 'unknown' | 'revoked' | 'expired' | 'other-environment';

export type Verdict =
  | { readonly isValid: true; readonly token: auth.Token }
  | { readonly isValid: false; readonly refusal: Refusal };

export interface Presented {
  readonly kind: auth.TokenKind;
  readonly id: string;
  readonly secret: string;
  /** The environment that is asked for; undefined = none in particular. */
  readonly environmentName?: string;
}

/** The keyed hash under which a secret is stored. */
export function macOfSecret(key: Uint8Array, secret: string): Uint8Array {
  return createHmac('sha256', key).update(secret).digest();
}

const NOTHING = Buffer.alloc(32);

/** Decides over one credential from memory; takes the same time whether the id is known or not. */
export function verifyToken(
  presented: Presented,
  stored: auth.Token | undefined,
  key: Uint8Array,
  nowSeconds: number,
): Verdict {
  const expected = stored?.secretMac.length === NOTHING.length ? stored.secretMac : NOTHING;
  const matches = timingSafeEqual(expected, macOfSecret(key, presented.secret));
  if (!stored || !matches || stored.kind !== presented.kind) return { isValid: false, refusal: 'unknown' };
  if (stored.revokedAt > 0) return { isValid: false, refusal: 'revoked' };
  if (stored.expiresAt > 0 && stored.expiresAt <= nowSeconds) return { isValid: false, refusal: 'expired' };
  const { environmentName } = presented;
  if (stored.isScoped && environmentName !== undefined && !stored.environmentNames.includes(environmentName)) {
    return { isValid: false, refusal: 'other-environment' };
  }
  return { isValid: true, token: stored };
}
