import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenBucket } from './token-bucket.ts';

/** Repeatable numbers in [0, 1). */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

test('any arrivals: never more than rate·t + burst, and every refusal is one that had to be', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = randoms(seed);
    const rate = 1 + Math.floor(random() * 300);
    const burst = 1 + Math.floor(random() * 50);
    const bucket = createTokenBucket(rate, burst, 0);
    const taken: number[] = [];
    for (let now = 0, i = 0; i < 2_000; i++) {
      now += Math.floor(random() * random() * 40);
      const answer = bucket.take(now);
      const within = (since: number): number => taken.filter((at) => at >= since).length;
      if (answer.isTaken) taken.push(now);
      else
        assert.ok(
          [0, ...taken].some((since) => within(since) + 1 > burst + ((now - since) * rate) / 1_000 - 1e-6),
          `refused too early: seed ${seed}`,
        );
    }
    for (const since of taken) {
      for (const until of taken.filter((at) => at >= since)) {
        const count = taken.filter((at) => at >= since && at <= until).length;
        assert.ok(count <= burst + ((until - since) * rate) / 1_000 + 1e-6, `too many: seed ${seed}`);
      }
      if (taken.indexOf(since) > 100) break;
    }
  }
});

test('it tells when to try again, and then it works', () => {
  const bucket = createTokenBucket(10, 1, 0);
  assert.equal(bucket.take(0).isTaken, true);
  const refused = bucket.take(0);
  assert.deepEqual(refused, { isTaken: false, waitMs: 100 });
  assert.equal(bucket.take(100).isTaken, true);
});

test('a clock that jumps back gives nothing away', () => {
  const bucket = createTokenBucket(1, 1, 1_000);
  assert.equal(bucket.take(1_000).isTaken, true);
  assert.equal(bucket.take(0).isTaken, false);
  assert.equal(bucket.take(500).isTaken, false);
});
