import { createHash } from 'node:crypto';
import type { control } from '@portico/contracts';
import { boundPoolId } from '@portico/ids';
import type { LimitedParty } from './admission.ts';
import { type Answer, answers } from './answers.ts';
import { bindParameters } from './bind-parameters.ts';
import { PROXY_BEARER, type RequestHead } from './http1/request-head.ts';
import type { Pool } from './pool.ts';
import type { Target } from './route-table.ts';

/** What is to be done with a request, before any byte of it is forwarded. */
export type Decision =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** A server class without a container: nobody waits, but one is wanted. */
  | { readonly kind: 'none-ready'; readonly appId: string; readonly pool: Pool }
  /** `newest` is the pool of the newest version, which may have no container yet: `pool` is then the one before. */
  | ({
      readonly kind: 'forward';
      readonly pool: Pool;
      readonly newest: Pool;
      /** The values of a class's parameters. */
      readonly serializedParams: Buffer | undefined;
    } & Destination)
  /** A class with values that nobody has asked for lately: its pool has to be opened first. */
  | ({ readonly kind: 'unopened' } & UnopenedPool & Destination);

/** Whose function a request is for. */
export interface Destination {
  readonly route: control.Route;
  readonly spec: control.PoolSpec;
  readonly party: LimitedParty;
}

/** A pool for a class with certain values. */
export interface UnopenedPool {
  readonly poolId: string;
  readonly serializedParams: Buffer;
}

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
  /** The target of the request: the parameters of a class are in its query string. */
  readonly requestTarget: string;
  /** Undefined for a pool that is not open in this thread. */
  readonly findPool: (poolId: string) => Pool | undefined;
}

/**
 * Where a request goes: pure, so that it can be printed and tested. The new version serves as soon as it has a ready
 * container; until then the one before does, while that has any.
 */
export function decideTarget({ target, credentials, verify, requestTarget, findPool }: DecisionNeeds): Decision {
  if (target.kind === 'unknown') return { kind: 'answer', answer: answers.unknownHost };
  if (target.kind === 'stopped') return { kind: 'answer', answer: answers.appStopped };
  const { route, party } = target;
  if (route.requiresProxyAuth) {
    if (!credentials) return { kind: 'answer', answer: answers.missingCredentials };
    const verdict = verify(credentials, route.environmentName);
    if (verdict === 'invalid') return { kind: 'answer', answer: answers.invalidCredentials };
    if (verdict === 'other-environment') return { kind: 'answer', answer: answers.wrongEnvironment };
  }
  const { pool: spec } = target;
  const bound = spec.parameters.length > 0 ? bindParameters(spec.parameters, requestTarget) : undefined;
  if (bound?.kind === 'refused') return { kind: 'answer', answer: answers.badRequest(bound.why) };
  const hash = bound && createHash('sha256').update(bound.serializedParams).digest();
  const idOf = (poolId: string): string => (hash ? boundPoolId(poolId, hash) : poolId);
  const serializedParams = bound?.serializedParams;
  const newest = findPool(idOf(spec.poolId));
  if (!newest) {
    const poolId = idOf(spec.poolId);
    return { kind: 'unopened', poolId, serializedParams: serializedParams ?? Buffer.alloc(0), route, spec, party };
  }
  const before = newest.hasReady || !target.previous ? undefined : findPool(idOf(target.previous.poolId));
  if (before?.hasReady && target.previous)
    return { kind: 'forward', route, spec: target.previous, pool: before, newest, serializedParams, party };
  if (spec.isServer && !newest.hasReady) return { kind: 'none-ready', appId: spec.appId, pool: newest };
  return { kind: 'forward', route, spec, pool: newest, newest, serializedParams, party };
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
