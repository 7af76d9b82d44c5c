/** How many tests passed and failed, as their runners' closing lines say. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export const emptyTally: Tally = { passed: 0, failed: 0 };

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals begin with this character
export const COLOURS = /\u001b\[[0-9;]*m/g;

/** Adds what one line of output says; most lines say nothing. */
export function countLine(tally: Tally, line: string): Tally {
  const text = line.replace(COLOURS, '');
  const node = /(?:^|[\s:])ℹ (pass|fail|cancelled) (\d+)\s*$/.exec(text);
  if (node) {
    const count = Number(node[2]);
    return node[1] === 'pass' ? plus(tally, count, 0) : plus(tally, 0, count);
  }
  const python = /(?:^|[\s:])Ran (\d+) tests? in /.exec(text);
  if (python) return plus(tally, Number(python[1]), 0);
  const failures = /FAILED \(([^)]*)\)\s*$/.exec(text);
  if (!failures) return tally;
  const bad = [...(failures[1] ?? '').matchAll(/(?:failures|errors)=(\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  return plus(tally, -bad, bad);
}

function plus({ passed, failed }: Tally, morePassed: number, moreFailed: number): Tally {
  return { passed: passed + morePassed, failed: failed + moreFailed };
}
