import { auth, buckets } from '@portico/contracts';
import { connectGrpc } from '@portico/grpc';
import { type Nats, openView } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import { type Presented, type Verdict, verifyToken } from './verify-token.ts';

/** Verifies credentials without a call: tokens are followed, the key was fetched once. */
export interface Credentials extends AsyncDisposable {
  verify(presented: Presented): Verdict;
}

/** Waits for the auth service as long as it takes; afterwards neither it nor NATS is needed to verify. */
export async function openCredentials(nats: Nats, authAddress: string, log: Logger): Promise<Credentials> {
  const key = await fetchVerificationKey(authAddress, log);
  const tokens = await openView(nats, buckets.tokens, { log });
  return {
    verify: (presented) => verifyToken(presented, tokens.get(presented.id), key, Date.now() / 1000),
    [Symbol.asyncDispose]: () => tokens[Symbol.asyncDispose](),
  };
}

/** The key that tokens are verified with. Waits for the auth service as long as it takes. */
export async function fetchVerificationKey(authAddress: string, log: Logger): Promise<Uint8Array> {
  await using client = connectGrpc(auth.TokenServiceService, authAddress);
  for (;;) {
    try {
      return (await client.getVerificationKey({}, { deadlineMs: 5_000 })).key;
    } catch (error) {
      log.info({ err: error }, 'waiting for auth');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
