import { modal } from '@portico/modal-protocol';

/** An option that is accepted but has no effect here: when it is set, and what its user is told. */
const ignored: readonly (readonly [isSet: (definition: modal.FunctionMessage) => boolean, text: string])[] = [
  [({ resources }) => Boolean(resources?.gpuConfig?.gpuType), 'gpu= is ignored: this Portico has no GPU nodes.'],
  [({ schedule }) => schedule !== undefined, 'schedule= is ignored: Portico does not run schedules yet.'],
  [
    ({ checkpointingEnabled }) => checkpointingEnabled,
    'enable_memory_snapshot= is ignored: containers start without a snapshot.',
  ],
  [
    ({ cloudProviderStr, schedulerPlacement }) =>
      cloudProviderStr !== '' || (schedulerPlacement?.regions.length ?? 0) > 0,
    'cloud= and region= are ignored: Portico runs on its own nodes.',
  ],
  [
    ({ resources }) => (resources?.ephemeralDiskMb ?? 0) > 0,
    'ephemeral_disk= is ignored: containers share the disk of their node.',
  ],
  [
    ({ cloudBucketMounts }) => cloudBucketMounts.length > 0,
    'CloudBucketMount is ignored: Portico does not mount buckets yet, so the folder is empty.',
  ],
  [
    ({ maxInputs, singleUseContainers }) => maxInputs > 0 || singleUseContainers,
    'single_use_containers= and max_inputs= are ignored: a container serves until it is idle.',
  ],
  [
    ({ isSessioned }) => isSessioned,
    '@modal.sessioned is ignored: requests of one session may go to different containers.',
  ],
  [({ i6pnEnabled }) => i6pnEnabled, 'i6pn= is ignored: containers do not reach each other.'],
  [
    ({ untrusted }) => untrusted,
    'restrict_modal_access= is ignored: what a container may ask the platform is not limited yet.',
  ],
  [
    ({ webhookConfig, retryPolicy }) => webhookConfig !== undefined && (retryPolicy?.retries ?? 0) > 0,
    'retries= is ignored for web functions: a request that has been sent is not sent again.',
  ],
];

/** One warning for each of them; clients show them once, in yellow. */
export function warningsOf(definition: modal.FunctionMessage): modal.Warning[] {
  return ignored
    .filter(([isSet]) => isSet(definition))
    .map(([, text]) =>
      modal.Warning.create({
        type: modal.Warning_WarningType.WARNING_TYPE_FUNCTION_CONFIGURATION,
        message: `${definition.functionName}: ${text}`,
      }),
    );
}
