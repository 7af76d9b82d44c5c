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

test('a timer that is started again is met once, at the later time; one that is cancelled can be started again', async () => {
  using wheel = createTimerWheel(1);
  const begin = performance.now();
  const met: number[] = [];
  const done = Promise.withResolvers<void>();
  const timer = wheel.timer(() => {
    met.push(performance.now() - begin);
    done.resolve();
  });
  timer.start(5);
  timer.cancel();
  timer.start(1);
  timer.start(20);
  await done.promise;
  await new Promise<void>((resolve) => wheel.after(5, resolve));
  assert.equal(met.length, 1);
  assert.ok((met[0] ?? 0) >= 20, `${met[0]} ms`);
});

test('a timer that is moved by another one that is due in the same tick is met later', async () => {
  using wheel = createTimerWheel(1);
  const order: string[] = [];
  const done = Promise.withResolvers<void>();
  wheel.after(5, () => moved.start(10));
  const moved = wheel.timer(() => {
    order.push('moved');
    done.resolve();
  });
  moved.start(5);
  wheel.after(8, () => order.push('between'));
  await done.promise;
  assert.deepEqual(order, ['between', 'moved']);
});

test('what is met late sets deadlines that are not met early', async () => {
  using wheel = createTimerWheel(1);
  const first = Promise.withResolvers<number>();
  wheel.after(1, () => {
    const begin = performance.now();
    wheel.after(30, () => first.resolve(performance.now() - begin));
  });
  for (const begin = performance.now(); performance.now() - begin < 50; );
  const took = await first.promise;
  assert.ok(took >= 29, `${took} ms`);
});

test('a deadline knows how long it has to go', () => {
  using wheel = createTimerWheel(50);
  const deadline = wheel.after(1_000, () => undefined);
  assert.ok(deadline.leftMs > 900 && deadline.leftMs <= 1_050, `${deadline.leftMs} ms`);
});
