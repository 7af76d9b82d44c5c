import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BucketState, fullBucket, type RateLimit, takeToken } from './token-bucket.ts';

const SECOND = 1_000_000;

/** Takes at each of the times; what was answered: 0 = taken, else the wait in microseconds. */
function waitsOf(limit: RateLimit, times: readonly number[]): number[] {
  let state = fullBucket(limit, times[0] ?? 0);
  return times.map((now) => {
    const taken = takeToken(state, limit, now);
    state = taken;
    return taken.waitUs;
  });
}

const table: readonly [name: string, limit: RateLimit, times: readonly number[], waits: readonly number[]][] = [
  ['the burst at once, then none', { perSecond: 10, burst: 3 }, [0, 0, 0, 0], [0, 0, 0, 100_000]],
  ['a token is there when it was said', { perSecond: 10, burst: 1 }, [0, 0, 100_000], [0, 100_000, 0]],
  ['and not a microsecond before', { perSecond: 10, burst: 1 }, [0, 99_999, 100_000], [0, 1, 0]],
  ['a rate that divides nothing', { perSecond: 3, burst: 1 }, [0, 333_333, 333_334], [0, 1, 0]],
  ['a refusal costs nothing', { perSecond: 1, burst: 1 }, [0, 1, 2, 3, SECOND], [0, 999_999, 999_998, 999_997, 0]],
  ['a long rest brings the burst, no more', { perSecond: 9, burst: 2 }, [0, 9e15, 9e15, 9e15], [0, 0, 0, 111_112]],
  ['a jump back gives nothing', { perSecond: 1, burst: 1 }, [9e9, 0, 1], [0, SECOND, 999_999]],
  [
    'after a jump back it fills as before',
    { perSecond: 1, burst: 1 },
    [9e9, 0, SECOND, SECOND],
    [0, SECOND, 0, SECOND],
  ],
  ['a late reading counts no time twice', { perSecond: 1, burst: 1 }, [5, 2, 4, SECOND + 4], [0, SECOND, SECOND, 1]],
  [
    'a jump ahead and back brings one burst',
    { perSecond: 1, burst: 2 },
    [0, 0, 9e9, 5, 5, 5],
    [0, 0, 0, 0, SECOND, SECOND],
  ],
];

for (const [name, limit, times, waits] of table)
  test(`a bucket: ${name}`, () => assert.deepEqual(waitsOf(limit, times), waits));

test('a lower limit counts from the next request on, and a higher one fills from what was there', () => {
  const wide = { perSecond: 100, burst: 100 };
  const narrow = { perSecond: 1, burst: 1 };
  let state: BucketState = fullBucket(wide, 0);
  state = takeToken(state, narrow, 0);
  assert.equal(state.microTokens, 0);
  assert.equal(takeToken(state, narrow, 0).waitUs, SECOND);
  assert.equal(takeToken(state, wide, 0).waitUs, 10_000);
  assert.equal(takeToken(state, wide, SECOND).microTokens, 99 * SECOND);
});

/** Repeatable numbers in [0, 1). */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** In any window from one taken to another there are at most `perSecond·t + burst`, with no tolerance. */
function assertNeverMore(taken: readonly number[], { perSecond, burst }: RateLimit, of: string): void {
  for (let first = 0; first < taken.length; first++)
    for (let last = first; last < taken.length; last++) {
      const t = (taken[last] ?? 0) - (taken[first] ?? 0);
      assert.ok((last - first + 1) * SECOND <= t * perSecond + burst * SECOND, `too many of ${of}`);
    }
}

/** One more would have been too many in some window that ends now: else the refusal was wrong. */
function assertHadToBe(taken: readonly number[], now: number, { perSecond, burst }: RateLimit, of: string): void {
  const isFull = taken.some((at, i) => (taken.length - i + 1) * SECOND > (now - at) * perSecond + burst * SECOND);
  assert.ok(isFull, `refused too early of ${of}`);
}

test('any arrivals: never more than rate·t + burst in any window, and every refusal is one that had to be', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randoms(seed);
    const limit = { perSecond: 1 + Math.floor(random() * 300), burst: 1 + Math.floor(random() * 50) };
    const gap = random() * 80_000;
    let state = fullBucket(limit, 0);
    const taken: number[] = [];
    for (let now = 0, i = 0; i < 700; i++) {
      now += Math.floor(random() * random() * gap);
      const answer = takeToken(state, limit, now);
      state = answer;
      if (answer.waitUs === 0) taken.push(now);
      else {
        assertHadToBe(taken, now, limit, `seed ${seed}`);
        assert.equal(takeToken(state, limit, now + answer.waitUs).waitUs, 0, 'what it told comes true');
        assert.notEqual(takeToken(state, limit, now + answer.waitUs - 1).waitUs, 0, 'and not before');
      }
    }
    assertNeverMore(taken, limit, `seed ${seed}`);
  }
});

test('readings in any order, as threads make them, never let through more', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = randoms(seed);
    const limit = { perSecond: 1 + Math.floor(random() * 300), burst: 1 + Math.floor(random() * 20) };
    let state = fullBucket(limit, 0);
    const taken: number[] = [];
    for (let real = 0, i = 0; i < 500; i++) {
      real += Math.floor(random() * 8_000);
      const answer = takeToken(state, limit, Math.max(0, real - Math.floor(random() * 50_000)));
      state = answer;
      if (answer.waitUs === 0) taken.push(real);
    }
    // The clock that is read runs at most 50 ms behind.
    const late = { ...limit, burst: limit.burst + (50_000 * limit.perSecond) / SECOND };
    assertNeverMore(taken, late, `seed ${seed}`);
  }
});

test('a clock that jumps brings at most one burst for each jump ahead, and never stops the filling', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = randoms(seed);
    const limit = { perSecond: 1 + Math.floor(random() * 300), burst: 1 + Math.floor(random() * 20) };
    let state = fullBucket(limit, 0);
    let [offset, ahead, taken, real] = [0, 0, 0, 0];
    for (let i = 0; i < 1_000; i++) {
      real += Math.floor(random() * 8_000);
      if (random() < 0.01) {
        const jump = Math.floor((random() - 0.5) * 7_200 * SECOND);
        if (jump > 0) ahead += 1;
        offset += jump;
      }
      const answer = takeToken(state, limit, real + offset);
      state = answer;
      if (answer.waitUs === 0) taken += 1;
    }
    const most = limit.burst * (1 + ahead) + (real * limit.perSecond) / SECOND;
    assert.ok(taken <= most, `${taken} of ${most} at seed ${seed}`);
    assert.equal(takeToken(state, limit, real + offset + SECOND).waitUs, 0, `it fills, at seed ${seed}`);
  }
});

test('a day of too many requests is answered to the last one', () => {
  const limit = { perSecond: 7, burst: 3 };
  let state = fullBucket(limit, 0);
  let taken = 0;
  // Every 37,003 µs: no multiple of what a token takes.
  const every = 37_003;
  const last = 2_000_000 * every;
  for (let now = 0; now <= last; now += every) {
    const answer = takeToken(state, limit, now);
    state = answer;
    if (answer.waitUs === 0) taken += 1;
  }
  assert.equal(taken, Math.floor((last * limit.perSecond) / SECOND) + limit.burst);
});
