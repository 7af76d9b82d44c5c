import type { Platform } from '@portico/testing';
import { median } from '../figures.ts';
import { descriptorsOf, residentBytes } from '../processes.ts';

const SAMPLE_MS = 1_000;

interface Sample {
  readonly mebibytes: number;
  readonly descriptors: number;
}

/** What one service needed early and late under the same load, and before and after it. */
export interface Growth {
  readonly service: string;
  readonly earlyMiB: number;
  readonly lateMiB: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
}

/** Looks at all services again and again. */
export interface Watch {
  /** Ends it; to be called when the platform is idle again. */
  end(): Growth[];
}

export async function watchServices(platform: Platform): Promise<Watch> {
  const ids = await platform.processIds();
  const before = new Map([...ids].map(([service, id]) => [service, sampleOf(id)]));
  const samples = new Map([...ids.keys()].map((service): [string, Sample[]] => [service, []]));
  const timer = setInterval(() => {
    for (const [service, id] of ids) samples.get(service)?.push(sampleOf(id));
  }, SAMPLE_MS);
  return {
    end() {
      clearInterval(timer);
      return [...ids].map(([service, id]) => {
        const seen = (samples.get(service) ?? []).map(({ mebibytes }) => mebibytes);
        const part = Math.ceil(seen.length / 5);
        return {
          service,
          // What starting needs is over after a fifth.
          earlyMiB: median(seen.slice(part, part * 2)),
          lateMiB: median(seen.slice(-part)),
          descriptorsBefore: before.get(service)?.descriptors ?? 0,
          descriptorsAfter: sampleOf(id).descriptors,
        };
      });
    },
  };
}

function sampleOf(id: number): Sample {
  return { mebibytes: residentBytes(id) / 1024 ** 2, descriptors: descriptorsOf(id) };
}
