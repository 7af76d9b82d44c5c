import { createHash } from 'node:crypto';
import { control } from '@portico/contracts';
import { idOfHash } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { parametersOf } from './class-parameters.ts';

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
/** A server class has no `timeout=` of its own: its requests may take as long as those of any function may at most. */
const SERVER_TIMEOUT_SECS = 86_400;
/** Requests at once in a container of a server class without `max_concurrency=`: more than a router ever holds. */
const UNLIMITED = 1_000_000;
const SERVER_TARGET = 100;

/** The pool of a definition: what router and autoscaler need to know of it. */
export function poolOf(definition: modal.FunctionMessage, needs: PoolNeeds): control.PoolSpec {
  const hash = createHash('sha256')
    .update(`${needs.appId}\0${needs.functionId}\0${needs.contentHash}\0${needs.nonce}`)
    .digest();
  const { isServer } = definition;
  const maxConcurrentInputs = maxOf(definition);
  return control.PoolSpec.create({
    poolId: idOfHash('pool', hash),
    appId: needs.appId,
    functionId: needs.functionId,
    definitionId: needs.definitionId,
    functionTag: needs.tag,
    environmentName: needs.environmentName,
    appVersion: needs.appVersion,
    ...servingOf(definition),
    maxConcurrentInputs,
    targetConcurrentInputs: targetOf(definition, maxConcurrentInputs),
    ...scalingOf(definition),
    timeoutMs: (isServer ? SERVER_TIMEOUT_SECS : definition.timeoutSecs || DEFAULT_TIMEOUT_SECS) * 1000,
    startupTimeoutMs:
      (definition.startupTimeoutSecs ||
        definition.httpConfig?.startupTimeout ||
        definition.timeoutSecs ||
        DEFAULT_TIMEOUT_SECS) * 1000,
    resources: resourcesOf(definition.resources),
    imageId: definition.imageId,
    isServer,
    exitGracePeriodMs: (definition.httpConfig?.exitGracePeriod ?? 0) * 1000,
    h2Enabled: definition.httpConfig?.h2Enabled ?? false,
    parameters: parametersOf(definition),
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

function maxOf({ maxConcurrentInputs, isServer }: modal.FunctionMessage): number {
  return maxConcurrentInputs || (isServer ? UNLIMITED : 1);
}

function targetOf(definition: modal.FunctionMessage, maxConcurrentInputs: number): number {
  const wanted =
    definition.autoscalerSettings?.targetConcurrencyFloat ||
    definition.targetConcurrentInputs ||
    definition.httpConfig?.targetConcurrency ||
    0;
  const otherwise = definition.isServer ? SERVER_TARGET : maxConcurrentInputs;
  return Math.min(wanted > 0 ? wanted : otherwise, maxConcurrentInputs);
}

/** The settings of scaling as the client shows them: what a definition says, and else what holds. */
export function autoscalerSettingsOf(definition: modal.FunctionMessage): modal.AutoscalerSettings {
  const { minContainers, maxContainers, bufferContainers, scaleupWindowMs, scaledownWindowMs } = scalingOf(definition);
  const target = targetOf(definition, maxOf(definition));
  return modal.AutoscalerSettings.create({
    ...{ minContainers, maxContainers, bufferContainers },
    scaleupWindow: scaleupWindowMs / 1000,
    scaledownWindow: scaledownWindowMs / 1000,
    targetConcurrency: Math.trunc(target),
    targetConcurrencyFloat: target,
  });
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
