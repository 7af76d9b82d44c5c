import type { control } from '@portico/contracts';
import type { LimitedParty } from './admission.ts';
import { type Answer, answers } from './answers.ts';
import { PROXY_BEARER, type RequestHead } from './http1/request-head.ts';
import type { Pool } from './pool.ts';
import type { Target } from './route-table.ts';

/** What is to be done with a request, before any byte of it is forwarded. */
export type Decision =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** A server class without a container: nobody waits, but one is wanted. */
  | { readonly kind: 'none-ready'; readonly appId: string; readonly pool: Pool }
  | {
      readonly kind: 'forward';
      readonly route: control.Route;
      readonly spec: control.PoolSpec;
      readonly pool: Pool;
      readonly party: LimitedParty;
    };

/** Credentials of a request for the router itself. */
export interface ProxyCredentials {
  readonly key: string;
  readonly secret: string;
}

export interface DecisionNeeds {
  readonly target: Target;
  readonly credentials: ProxyCredentials | undefined;
  readonly verify: (
    credentials: ProxyCredentials,
    environmentName: string,
  ) => 'valid' | 'invalid' | 'other-environment';
  readonly poolOf: (poolId: string) => Pool;
}

/** Where a request goes: pure, so that it can be printed and tested. */
export function decideTarget({ target, credentials, verify, poolOf }: DecisionNeeds): Decision {
  if (target.kind === 'unknown') return { kind: 'answer', answer: answers.unknownHost };
  if (target.kind === 'stopped') return { kind: 'answer', answer: answers.appStopped };
  const { route, party } = target;
  if (route.requiresProxyAuth) {
    if (!credentials) return { kind: 'answer', answer: answers.missingCredentials };
    const verdict = verify(credentials, route.environmentName);
    if (verdict === 'invalid') return { kind: 'answer', answer: answers.invalidCredentials };
    if (verdict === 'other-environment') return { kind: 'answer', answer: answers.wrongEnvironment };
  }
  const { spec, pool } = servingPool(target, poolOf);
  if (spec.isServer && !pool.hasReady) return { kind: 'none-ready', appId: spec.appId, pool };
  return { kind: 'forward', route, spec, pool, party };
}

/** The new version as soon as it has a ready container; until then the one before, while that has any. */
function servingPool(
  { pool: spec, previous }: Extract<Target, { kind: 'route' }>,
  poolOf: (poolId: string) => Pool,
): { spec: control.PoolSpec; pool: Pool } {
  const own = poolOf(spec.poolId);
  if (own.hasReady || !previous) return { spec, pool: own };
  const before = poolOf(previous.poolId);
  return before.hasReady ? { spec: previous, pool: before } : { spec, pool: own };
}

/** Both forms in which clients send them. */
export function proxyCredentialsOf(
  head: Pick<RequestHead, 'modalKey' | 'modalSecret' | 'authorization'>,
): ProxyCredentials | undefined {
  const { modalKey, modalSecret, authorization } = head;
  if (modalKey !== '' && modalSecret !== '') return { key: modalKey, secret: modalSecret };
  const bearer = authorization === '' ? null : PROXY_BEARER.exec(authorization);
  return bearer ? { key: bearer[1] ?? '', secret: bearer[2] ?? '' } : undefined;
}
