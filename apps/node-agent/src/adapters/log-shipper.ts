import { setTimeout as delay } from 'node:timers/promises';
import type { nodeAgent } from '@portico/contracts';
import type { EventStream } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';

/** Carries what one container prints to the log stream, in order, in small batches, until node-agent closes. */
export interface LogShipper {
  add(data: string, source: nodeAgent.LogSource): void;
  /** Resolves when all that was added is stored, or the time is up. */
  flush(withinMs: number): Promise<void>;
}

const BATCH_MS = 10;
const BATCH_BYTES = 256 * 1024;
const RETRY_MS = 250;
/** Held while NATS is away; beyond it the oldest lines are dropped and a note says so. */
const HELD_BYTES = 8 * 1024 * 1024;

export function createLogShipper(
  stream: EventStream<nodeAgent.LogBatch>,
  ids: { readonly appId: string; readonly containerId: string; readonly functionId: string },
  { log, closing }: { readonly log: Logger; readonly closing: AbortSignal },
): LogShipper {
  let held: nodeAgent.LogItem[] = [];
  let heldBytes = 0;
  let dropped = 0;
  let shipping: Promise<void> | undefined;
  const untilStored = async (publish: () => Promise<unknown>): Promise<void> => {
    for (let attempt = 0; !closing.aborted; attempt++) {
      try {
        await publish();
        return;
      } catch (error) {
        if (attempt === 0)
          log.warn({ err: error, container: ids.containerId }, 'The log stream does not take lines; trying again');
        await delay(RETRY_MS, undefined, { signal: closing }).catch(() => undefined);
      }
    }
  };
  const ship = async (): Promise<void> => {
    while (held.length > 0) {
      const items = takeBatch(held);
      held = held.slice(items.length);
      heldBytes -= items.reduce((sum, item) => sum + item.data.length, 0);
      await untilStored(() => stream.publish([ids.appId, ids.containerId], { ...ids, items }));
    }
    shipping = undefined;
  };
  return {
    add(data, source) {
      held.push({ data, source, timeUnixNano: BigInt(Date.now()) * 1_000_000n });
      heldBytes += data.length;
      while (heldBytes > HELD_BYTES) {
        const oldest = held.shift();
        heldBytes -= oldest?.data.length ?? 0;
        dropped += 1;
        if (dropped === 1)
          log.warn(
            { container: ids.containerId },
            'Lines of a container are dropped: the log stream can not take them',
          );
      }
      shipping ??= delay(BATCH_MS).then(ship);
    },
    async flush(withinMs) {
      await Promise.race([
        shipping ?? Promise.resolve(),
        delay(withinMs, undefined, { signal: closing, ref: false }),
      ]).catch(() => undefined);
    },
  };
}

function takeBatch(held: readonly nodeAgent.LogItem[]): nodeAgent.LogItem[] {
  let [bytes, end] = [0, 0];
  for (const { data } of held) {
    bytes += data.length;
    if (bytes > BATCH_BYTES && end > 0) break;
    end += 1;
  }
  return held.slice(0, end);
}
