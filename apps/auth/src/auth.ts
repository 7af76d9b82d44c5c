import { join } from 'node:path';
import { buckets } from '@portico/contracts';
import { serveGrpc } from '@portico/grpc';
import { connectNats, openBucket } from '@portico/messaging';
import { type CommonConfig, type ServiceContext, socketOf } from '@portico/service';
import { ensureClientToken } from './adapters/client-token-file.ts';
import { loadOrMakeKey } from './adapters/key-file.ts';
import { createTokens } from './domain/tokens.ts';
import { tokenApi } from './grpc/token-api.ts';

/** Everything auth is made of, in the order in which it opens. */
export async function startAuth(config: CommonConfig, { opened, log }: ServiceContext): Promise<void> {
  const key = await loadOrMakeKey(join(config.home, 'keys', 'tokens.key'));
  const nats = opened.use(await connectNats(config.nats, log));
  const bucket = await openBucket(nats, buckets.tokens, true);
  const tokens = createTokens({ bucket, key, workspace: config.workspace, now: () => Date.now() / 1000 });
  await ensureClientToken(join(config.home, 'keys', 'client-token.json'), tokens);
  opened.use(
    await serveGrpc({ address: `unix://${socketOf(config.home, 'auth')}`, apis: [tokenApi(tokens, key)], log }),
  );
}
