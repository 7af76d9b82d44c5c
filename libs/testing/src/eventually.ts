export interface EventuallyOptions {
  /** Default 10 s. */
  readonly withinMs?: number;
}

/**
 * Waits for a named condition: asks until the answer is neither undefined nor false, and fails
 * with the name (and the last error) when the time is over.
 */
export async function eventually<T>(
  condition: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { withinMs = 10_000 }: EventuallyOptions = {},
): Promise<T> {
  const end = Date.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end) throw new Error(`not within ${withinMs} ms: ${condition}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
