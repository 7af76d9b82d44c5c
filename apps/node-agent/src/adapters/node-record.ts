import { cpus, totalmem } from 'node:os';
import process from 'node:process';
import { nodeAgent } from '@portico/contracts';
import type { Bucket } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';

const RENEW_MS = 3_000;
const LEASE_MS = 15_000;

/** What does not change while the process runs. */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly hostName: string;
  readonly runtime: string;
}

/** What the node is now, with a lease from now on. */
export function describeNode({ nodeId, hostName, runtime }: NodeIdentity): nodeAgent.Node {
  return nodeAgent.Node.create({
    nodeId,
    hostName,
    runtime,
    startedAt: Date.now() / 1000 - process.uptime(),
    cpuMillis: cpus().length * 1_000,
    memoryBytes: BigInt(totalmem()),
    leaseUntil: (Date.now() + LEASE_MS) / 1000,
  });
}

/** Says every few seconds that this node is there and what it has. */
export async function keepNodeRecord(
  nodes: Bucket<nodeAgent.Node>,
  identity: NodeIdentity,
  log: Logger,
): Promise<Disposable> {
  const renew = (): Promise<unknown> => nodes.put(identity.nodeId, describeNode(identity));
  const complain = (error: unknown): void => log.warn({ err: error }, 'The lease of this node could not be renewed');
  await renew();
  const timer = setInterval(() => void renew().catch(complain), RENEW_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
