import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimerWheel } from './timer-wheel.ts';

const met = (wheel: { after(ms: number, onDue: () => void): unknown }, ms: number): Promise<number> =>
  new Promise((resolve) => {
    const begin = performance.now();
    wheel.after(ms, () => resolve(performance.now() - begin));
  });

test('a deadline is never met early, also beyond one turn of the wheel', async () => {
  using wheel = createTimerWheel(1);
  const waited = await Promise.all([1, 7, 60, 511, 512, 700].map((ms) => met(wheel, ms).then((took) => took - ms)));
  for (const late of waited) assert.ok(late >= 0, `${late} ms`);
});

test('a deadline that begins after a while without a turn is not met early either', async () => {
  using wheel = createTimerWheel(1);
  const first = met(wheel, 1);
  for (const begin = performance.now(); performance.now() - begin < 20; );
  const [took] = await Promise.all([met(wheel, 10), first]);
  assert.ok(took >= 10, `${took} ms`);
});

test('one that is called off is not met, also by another that is due in the same tick', async () => {
  using wheel = createTimerWheel(1);
  const done: string[] = [];
  const last = Promise.withResolvers<void>();
  wheel.after(5, () => {
    done.push('first');
    second.cancel();
  });
  const second = wheel.after(5, () => done.push('second'));
  wheel.after(10, () => last.resolve());
  await last.promise;
  assert.deepEqual(done, ['first']);
});

test('a wheel that stood still starts again', async () => {
  using wheel = createTimerWheel(1);
  await met(wheel, 2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok((await met(wheel, 3)) >= 3);
});
