import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modal } from '@portico/modal-protocol';
import { warningsOf } from './ignored-options.ts';

const textsOf = (changes: Partial<modal.FunctionMessage>): string[] =>
  warningsOf(modal.FunctionMessage.create({ functionName: 'web', ...changes })).map(({ message }) => message);

test('a plain function is warned of nothing', () => {
  assert.deepEqual(textsOf({ resources: modal.Resources.create({ memoryMb: 128 }) }), []);
});

test('each option without an effect is named once, with its function', () => {
  const texts = textsOf({
    resources: modal.Resources.create({ ephemeralDiskMb: 1, gpuConfig: modal.GPUConfig.create({ gpuType: 'T4' }) }),
    schedulerPlacement: modal.SchedulerPlacement.create({ regions: ['eu', 'us'] }),
    singleUseContainers: true,
    maxInputs: 1,
  });
  assert.equal(texts.length, 4);
  for (const option of ['gpu=', 'ephemeral_disk=', 'region=', 'single_use_containers='])
    assert.equal(texts.filter((text) => text.startsWith('web: ') && text.includes(option)).length, 1, option);
});

test('retries are worth a warning only where they have no effect', () => {
  const retryPolicy = modal.FunctionRetryPolicy.create({ retries: 3 });
  assert.deepEqual(textsOf({ retryPolicy }), []);
  assert.equal(textsOf({ retryPolicy, webhookConfig: modal.WebhookConfig.create({}) }).length, 1);
});
