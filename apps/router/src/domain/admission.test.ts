import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '@portico/contracts';
import { allocateBlocks } from '../shared/blocks.ts';
import { BucketCells } from '../shared/bucket-cells.ts';
import { createAdmission, type LimitedParty } from './admission.ts';
import { createLimitsInForce, functionNameOf } from './limits-in-force.ts';

const defaults = { ratePerSecond: 10, rateBurst: 4, queueMax: 6 };
const name = { environmentName: 'main', appName: 'shop', tag: 'pay' };
const pay: LimitedParty = { workspace: 'local', functionName: functionNameOf(name), functionId: 'fu-pay' };
const other: LimitedParty = { ...pay, functionName: functionNameOf({ ...name, tag: 'other' }), functionId: 'fu-other' };
const SECOND = 1_000_000;

function limitOf(bounds: Partial<control.Limit>, isWorkspace = false): control.Limit {
  const target: control.LimitTarget['target'] = isWorkspace
    ? { $case: 'workspace', value: 'local' }
    : { $case: 'function', value: name };
  return control.Limit.create({ ...bounds, target: { target } });
}

/** As the threads of a router have them, over one memory. */
function bucketsOf(memory: SharedArrayBuffer): (key: string) => BucketCells {
  const keys = [
    'workspace/local',
    'workspace/second',
    `function/${pay.functionName}`,
    `function/${other.functionName}`,
  ];
  return (key) => new BucketCells(memory, keys.indexOf(key));
}

function admissionOf(memory = allocateBlocks()) {
  const limits = createLimitsInForce(defaults);
  const admission = createAdmission(limits, bucketsOf(memory));
  const letIn = (party: LimitedParty, asks: number, nowUs: number): number =>
    Array.from({ length: asks }, () => admission.refusal(party, nowUs)).filter((refusal) => !refusal).length;
  return { limits, admission, letIn };
}

test('a workspace without a limit of its own has the default, and another one its own', () => {
  const { admission, letIn } = admissionOf();
  assert.equal(letIn(pay, 9, 0), 4);
  assert.equal(letIn({ ...pay, workspace: 'second' }, 9, 0), 4);
  const refusal = admission.refusal(other, 0);
  assert.deepEqual(refusal, {
    status: 429,
    text: 'modal-http: Input rate limit (10/s) exceeded for workspace local',
    headers: { 'retry-after': '1' },
  });
});

test('a function is held to its own limit, and what it is refused costs the others nothing', () => {
  const { limits, admission, letIn } = admissionOf();
  limits.apply(limitOf({ ratePerSecond: 1, burst: 1 }), undefined);
  assert.equal(letIn(pay, 100, 0), 1);
  assert.equal(admission.refusal(pay, 0)?.text, 'modal-http: Input rate limit (1/s) exceeded for function fu-pay');
  assert.equal(letIn(other, 100, 0), 3);
  // What the workspace refuses does not use up the function's own.
  assert.equal(letIn(pay, 100, SECOND - 1), 0);
  assert.equal(letIn(other, 100, SECOND - 1), 4);
  assert.equal(letIn(pay, 100, SECOND), 0);
  assert.equal(letIn(pay, 100, SECOND + 100_000), 1);
});

test('a change of limits counts at once, and a limit that is taken away counts no more', () => {
  const { limits, letIn } = admissionOf();
  const narrow = limitOf({ ratePerSecond: 1, burst: 1 }, true);
  limits.apply(narrow, undefined);
  assert.equal(letIn(pay, 9, 0), 1);
  const wide = limitOf({ ratePerSecond: 1_000, burst: 2_000 }, true);
  limits.apply(wide, narrow);
  assert.equal(letIn(pay, 9_999, SECOND), 1_000);
  limits.apply(undefined, wide);
  assert.equal(letIn(pay, 9_999, 2 * SECOND), 4);
});

test('routers that share let in no more together than one alone', () => {
  const routers = [admissionOf(), admissionOf(), admissionOf()];
  for (const { limits } of routers) limits.routers = 3;
  let taken = 0;
  for (let now = 0; now <= 60 * SECOND; now += 13_000) for (const { letIn } of routers) taken += letIn(pay, 1, now);
  assert.ok(taken <= 600 + 4, `${taken} were let in`);
  assert.ok(taken >= 600, `only ${taken} were let in`);
});

test('threads of one router let in exactly what one alone does', () => {
  const memory = allocateBlocks();
  const threads = [admissionOf(memory), admissionOf(memory), admissionOf(memory)];
  const takenIn = (from: number): number => {
    let taken = 0;
    for (let now = from; now < from + 60 * SECOND; now += 13_000)
      for (const { letIn } of threads) taken += letIn(pay, 1, now);
    return taken;
  };
  assert.equal(takenIn(0), 600 + 4 - 1);
  assert.equal(takenIn(60 * SECOND), 600);
});

test('a queue is as long as the function says, else the workspace, else the default; routers share it', () => {
  const { limits, admission } = admissionOf();
  assert.equal(admission.queueRefusal(pay, 5), undefined);
  assert.deepEqual(admission.queueRefusal(pay, 6), {
    status: 429,
    text: 'modal-http: Function fu-pay reached pending input queue limit (6)',
    headers: { 'retry-after': '1' },
  });
  limits.apply(limitOf({ queueLength: 4 }, true), undefined);
  assert.match(admission.queueRefusal(pay, 4)?.text ?? '', /\(4\)/);
  limits.apply(limitOf({ queueLength: 2 }), undefined);
  assert.match(admission.queueRefusal(pay, 2)?.text ?? '', /\(2\)/);
  assert.equal(admission.queueRefusal(other, 3), undefined);
  limits.routers = 2;
  assert.match(admission.queueRefusal(pay, 1)?.text ?? '', /\(2\)/);
  limits.routers = 5;
  assert.equal(admission.queueRefusal(pay, 0), undefined);
});
