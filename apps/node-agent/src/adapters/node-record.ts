import { cpus, totalmem } from 'node:os';
import { nodeAgent } from '@portico/contracts';
import type { Bucket } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';

const RENEW_MS = 3_000;
const LEASE_MS = 15_000;

export interface NodeRecordNeeds {
  readonly nodes: Bucket<nodeAgent.Node>;
  readonly nodeId: string;
  readonly hostName: string;
  readonly runtime: string;
  readonly log: Logger;
}

/** Says every few seconds that this node is there and what it has. */
export async function keepNodeRecord({
  nodes,
  nodeId,
  hostName,
  runtime,
  log,
}: NodeRecordNeeds): Promise<AsyncDisposable> {
  const startedAt = Date.now() / 1000;
  const renew = (): Promise<unknown> =>
    nodes.put(
      nodeId,
      nodeAgent.Node.create({
        nodeId,
        hostName,
        runtime,
        startedAt,
        cpuMillis: cpus().length * 1_000,
        memoryBytes: BigInt(totalmem()),
        leaseUntil: (Date.now() + LEASE_MS) / 1000,
      }),
    );
  await renew();
  const timer = setInterval(
    () =>
      void renew().catch((error: unknown) => log.warn({ err: error }, 'The lease of this node could not be renewed')),
    RENEW_MS,
  );
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
    },
  };
}
