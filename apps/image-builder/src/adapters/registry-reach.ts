import { isInsecure } from '../domain/image-name.ts';

/** Which registries answer. One that did not is not asked again for a while, so that builds do not wait for it. */
export interface RegistryReach {
  canReach(registry: string): Promise<boolean>;
  markUnreachable(registry: string): void;
}

export interface RegistryReachOptions {
  /** How long a registry may take to say anything. */
  readonly probeMs: number;
  readonly insecure: readonly string[];
  /** Behind a proxy only buildah itself can tell. */
  readonly hasProxy: boolean;
  readonly now?: () => number;
}

const FORGET_AFTER_MS = 60_000;
const NOBODY_THERE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export function createRegistryReach({
  probeMs,
  insecure,
  hasProxy,
  now = Date.now,
}: RegistryReachOptions): RegistryReach {
  const unreachableUntil = new Map<string, number>();
  const markUnreachable = (registry: string): void => void unreachableUntil.set(registry, now() + FORGET_AFTER_MS);
  return {
    markUnreachable,
    async canReach(registry) {
      if ((unreachableUntil.get(registry) ?? 0) > now()) return false;
      if (hasProxy) return true;
      const answers = await isAnswering(registry, isInsecure(registry, insecure), probeMs);
      if (!answers) markUnreachable(registry);
      return answers;
    },
  };
}

async function isAnswering(registry: string, isPlain: boolean, probeMs: number): Promise<boolean> {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  try {
    await fetch(`${isPlain ? 'http' : 'https'}://${host}/v2/`, {
      signal: AbortSignal.timeout(probeMs),
      redirect: 'manual',
    });
    return true;
  } catch (error) {
    // Anything else, such as a certificate that we do not know, is an answer.
    return !isNobodyThere(error);
  }
}

function isNobodyThere(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TimeoutError') return true;
  const cause = error.cause as { code?: string; errors?: { code?: string }[] } | undefined;
  const codes = [cause?.code, ...(cause?.errors ?? []).map((one) => one.code)];
  return codes.some((code) => code !== undefined && NOBODY_THERE.has(code));
}
