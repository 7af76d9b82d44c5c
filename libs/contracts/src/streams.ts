import type { Codec } from './codec.ts';
import * as imageBuilder from './gen/index.portico.image_builder.v1.ts';
import * as nodeAgent from './gen/index.portico.node_agent.v1.ts';

/** A JetStream stream: what happens. The stream sequence is the entry id that clients pass back as cursor. */
export interface StreamSpec<T> {
  readonly name: string;
  readonly owner: string;
  readonly codec: Codec<T>;
  /** Subject of one message; the parts are ids and hold no dots. */
  readonly subject: (...parts: string[]) => string;
  /** How many id parts follow the prefix. */
  readonly prefix: string;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

const DAY_MS = 86_400_000;

export const streams = {
  /** What containers print. Losing the last lines in a power cut is harmless. */
  logs: {
    name: 'LOGS',
    owner: 'node-agent',
    codec: nodeAgent.LogBatch as Codec<nodeAgent.LogBatch>,
    prefix: 'node-agent.v1.log',
    subject: (appId: string, containerId: string) => `node-agent.v1.log.${appId}.${containerId}`,
    maxAgeMs: 30 * DAY_MS,
    maxBytes: 4 * 1024 ** 3,
  },
  /** What image builds print. */
  buildLogs: {
    name: 'BUILD_LOGS',
    owner: 'image-builder',
    codec: imageBuilder.BuildLogLine as Codec<imageBuilder.BuildLogLine>,
    prefix: 'image-builder.v1.log',
    subject: (imageId: string) => `image-builder.v1.log.${imageId}`,
    maxAgeMs: 30 * DAY_MS,
    maxBytes: 1024 ** 3,
  },
} as const;
