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
    targetConcurrency: pool.targetConcurrentInputs > 0 ? pool.targetConcurrentInputs : Math.max(1, pool.maxConcurrentInputs),
  };
}
