import { COLOURS } from './test-tally.ts';

/** What the end of a run repeats of the failed tests, so that nobody has to search for them in its output. */
export interface FailureDigest {
  readonly lines: readonly string[];
  /** For each source of lines, by its prefix: how many lines of the failure at hand are still of interest. */
  readonly open: ReadonlyMap<string, number>;
}

export const emptyDigest: FailureDigest = { lines: [], open: new Map() };

const LINES_OF_A_FAILURE = 8;
const MAX_LINES = 400;

/** Takes what one line of output adds: node's report repeats each failed test below `test at FILE:LINE:COLUMN`. */
export function digestLine(digest: FailureDigest, line: string): FailureDigest {
  const [, prefix = '', text = ''] = /^(\S+: )?(.*)$/.exec(line.replace(COLOURS, '')) ?? [];
  const begins = /^\s*test at \S+:\d+:\d+$/.test(text) || /^(FAIL|ERROR): \w+/.test(text);
  const left = begins ? LINES_OF_A_FAILURE : (digest.open.get(prefix) ?? 0);
  if (left === 0 || text.trim() === '' || digest.lines.length >= MAX_LINES) return digest;
  const open = new Map(digest.open).set(prefix, left - 1);
  return { lines: [...digest.lines, begins ? `\n${prefix}${text}` : `  ${text}`], open };
}
