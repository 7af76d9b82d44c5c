import { createHash } from 'node:crypto';
import { control } from '@portico/contracts';
import { idOfHash } from '@portico/ids';
import type { modal } from '@portico/modal-protocol';

export interface PoolNeeds {
  readonly appId: string;
  readonly functionId: string;
  readonly definitionId: string;
  readonly contentHash: string;
  readonly tag: string;
  readonly environmentName: string;
  readonly appVersion: number;
  /** Changes when all containers should be replaced although nothing else did. */
  readonly nonce: string;
}

const { RUNNER, PORT, CALLS } = control.ServingKind;
const WEB_SERVER = 4;
const MIB = 1024n * 1024n;
const DEFAULT_TIMEOUT_SECS = 300;

/** The pool of a definition: what router and autoscaler need to know of it. */
export function poolOf(definition: modal.FunctionMessage, needs: PoolNeeds): control.PoolSpec {
  const hash = createHash('sha256')
    .update(`${needs.appId}\0${needs.functionId}\0${needs.contentHash}\0${needs.nonce}`)
    .digest();
  const maxConcurrentInputs = Math.max(1, definition.maxConcurrentInputs);
  return control.PoolSpec.create({
    poolId: idOfHash('pool', hash),
    appId: needs.appId,
    functionId: needs.functionId,
    definitionId: needs.definitionId,
    functionTag: needs.tag,
    environmentName: needs.environmentName,
    appVersion: needs.appVersion,
    ...servingOf(definition),
    maxConcurrentInputs: definition.isServer && definition.maxConcurrentInputs === 0 ? 1_000 : maxConcurrentInputs,
    targetConcurrentInputs: targetOf(definition, maxConcurrentInputs),
    ...scalingOf(definition),
    timeoutMs: (definition.timeoutSecs || DEFAULT_TIMEOUT_SECS) * 1000,
    startupTimeoutMs:
      (definition.startupTimeoutSecs ||
        definition.httpConfig?.startupTimeout ||
        definition.timeoutSecs ||
        DEFAULT_TIMEOUT_SECS) * 1000,
    resources: resourcesOf(definition.resources),
    imageId: definition.imageId,
    isServer: definition.isServer,
    exitGracePeriodMs: (definition.httpConfig?.exitGracePeriod ?? 0) * 1000,
    h2Enabled: definition.httpConfig?.h2Enabled ?? false,
  });
}

function servingOf(definition: modal.FunctionMessage): { kind: control.ServingKind; port: number } {
  if (definition.isServer) return { kind: PORT, port: definition.httpConfig?.port ?? 8000 };
  const webhooks = [
    definition.webhookConfig,
    ...[...definition.methodDefinitions.values()].map((method) => method.webhookConfig),
  ];
  const config = webhooks.find((webhook) => webhook !== undefined);
  if (!config) return { kind: CALLS, port: 0 };
  return config.type === WEB_SERVER ? { kind: PORT, port: config.webServerPort } : { kind: RUNNER, port: 0 };
}

function targetOf(definition: modal.FunctionMessage, maxConcurrentInputs: number): number {
  const wanted =
    definition.autoscalerSettings?.targetConcurrencyFloat ||
    definition.targetConcurrentInputs ||
    definition.httpConfig?.targetConcurrency ||
    0;
  if (definition.isServer) return wanted || 100;
  return wanted > 0 ? Math.min(wanted, maxConcurrentInputs) : maxConcurrentInputs;
}

/** New clients send the settings as one message, older ones as fields of their own. */
function scalingOf(definition: modal.FunctionMessage) {
  const settings = definition.autoscalerSettings;
  return {
    minContainers: settings?.minContainers ?? definition.warmPoolSize,
    maxContainers: settings?.maxContainers ?? definition.concurrencyLimit,
    bufferContainers: settings?.bufferContainers ?? definition.ExperimentalBufferContainers,
    scaleupWindowMs: (settings?.scaleupWindow ?? 0) * 1000,
    scaledownWindowMs: (settings?.scaledownWindow ?? definition.taskIdleTimeoutSecs) * 1000,
  };
}

function resourcesOf(resources: modal.Resources | undefined): control.Resources {
  return control.Resources.create({
    memoryBytes: BigInt(resources?.memoryMb ?? 0) * MIB,
    memoryMaxBytes: BigInt(resources?.memoryMbMax ?? 0) * MIB,
    cpuMillis: resources?.milliCpu ?? 0,
    cpuMaxMillis: resources?.milliCpuMax ?? 0,
    ephemeralDiskBytes: BigInt(resources?.ephemeralDiskMb ?? 0) * MIB,
    gpuCount: resources?.gpuConfig?.count ?? 0,
    gpuType: resources?.gpuConfig?.gpuType ?? '',
  });
}
