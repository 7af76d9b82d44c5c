import type { control } from '@portico/contracts';
import type { ScalingSettings } from './pool-state.ts';

/** What an operator or user changed at run time; undefined = as deployed. */
export interface SettingsOverride {
  readonly minContainers?: number | undefined;
  readonly maxContainers?: number | undefined;
  readonly bufferContainers?: number | undefined;
  readonly scaledownWindowMs?: number | undefined;
}

const DEFAULT_SCALEDOWN_WINDOW_MS = 60_000;

/** The settings of a pool: its definition, overrides above it, the platform's defaults below. */
export function settingsOf(pool: control.PoolSpec, override: SettingsOverride, platformMax: number): ScalingSettings {
  const maxContainers = override.maxContainers ?? pool.maxContainers;
  return {
    minContainers: override.minContainers ?? pool.minContainers,
    maxContainers: maxContainers > 0 ? maxContainers : platformMax,
    bufferContainers: override.bufferContainers ?? pool.bufferContainers,
    scaledownWindowMs: override.scaledownWindowMs ?? (pool.scaledownWindowMs || DEFAULT_SCALEDOWN_WINDOW_MS),
    targetConcurrency:
      pool.targetConcurrentInputs > 0 ? pool.targetConcurrentInputs : Math.max(1, pool.maxConcurrentInputs),
  };
}

/** Settings changed at run time, each until the next deploy of its function. */
export interface Overrides {
  of(functionId: string): SettingsOverride;
  /** Adds to what was changed before. */
  change(functionId: string, override: SettingsOverride): void;
  forget(functionId: string): void;
}

export function createOverrides(): Overrides {
  const overrides = new Map<string, SettingsOverride>();
  return {
    of: (functionId) => overrides.get(functionId) ?? {},
    change(functionId, { minContainers, maxContainers, bufferContainers, scaledownWindowMs }) {
      const before = overrides.get(functionId);
      overrides.set(functionId, {
        minContainers: minContainers ?? before?.minContainers,
        maxContainers: maxContainers ?? before?.maxContainers,
        bufferContainers: bufferContainers ?? before?.bufferContainers,
        scaledownWindowMs: scaledownWindowMs ?? before?.scaledownWindowMs,
      });
    },
    forget: (functionId) => void overrides.delete(functionId),
  };
}
