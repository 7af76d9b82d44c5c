import { answers } from '../domain/answers.ts';
import { type Decision, decideTarget, proxyCredentialsOf } from '../domain/decide-target.ts';
import type { RequestHead } from '../domain/http1/request-head.ts';
import type { Surroundings } from '../surroundings.ts';

/** What is to be done with a request; a server class without a container is told that one is wanted. */
export function decideFor(
  { routes, verify, findPool, onShort }: Surroundings,
  head: RequestHead,
  traceparent: string,
): Exclude<Decision, { kind: 'none-ready' }> {
  const credentials = proxyCredentialsOf(head);
  const target = routes.find(head.host);
  const decision = decideTarget({ target, credentials, verify, requestTarget: head.target, findPool });
  if (decision.kind !== 'none-ready') return decision;
  onShort(decision.pool, decision.appId, traceparent);
  return { kind: 'answer', answer: answers.noneReady };
}
