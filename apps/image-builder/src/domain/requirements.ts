/** One pinned package of a builder version. */
export interface Pin {
  readonly name: string;
  /** What pip is asked for, for example aiohttp==3.12.7. */
  readonly requirement: string;
}

/**
 * The pins that apply to a Python series. pip would evaluate markers for the Python it runs on,
 * not for the one that is installed for, so this is done here. Knows the one marker in use.
 */
export function pinsFor(requirements: string, series: string): Pin[] {
  return requirements.split('\n').flatMap((line) => {
    const [requirement = '', marker = ''] = (line.split('#')[0] ?? '').split(';').map((part) => part.trim());
    if (!requirement || !holds(marker, series)) return [];
    return [{ name: requirement.split(/[<>=!~ [(]/)[0] ?? '', requirement }];
  });
}

function holds(marker: string, series: string): boolean {
  if (!marker) return true;
  return marker
    .split(/\s+or\s+/)
    .some((any) => any.split(/\s+and\s+/).every((condition) => conditionHolds(condition, series)));
}

function conditionHolds(condition: string, series: string): boolean {
  const found = /^\(?\s*python_version\s*(<=|>=|==|!=|<|>)\s*["']([\d.]+)["']\s*\)?$/.exec(condition.trim());
  // An unknown marker speaks of the platform; all of ours are CPython on Linux.
  if (!found) return !/win32|darwin|windows/i.test(condition);
  const [, operator = '', version = ''] = found;
  const order = compareSeries(series, version);
  const results: Record<string, boolean> = {
    '<': order < 0,
    '<=': order <= 0,
    '>': order > 0,
    '>=': order >= 0,
    '==': order === 0,
    '!=': order !== 0,
  };
  return results[operator] ?? false;
}

/** Orders 3.9 before 3.10. */
export function compareSeries(a: string, b: string): number {
  const [left, right] = [a, b].map((series) => series.split('.').map(Number));
  return (left?.[0] ?? 0) - (right?.[0] ?? 0) || (left?.[1] ?? 0) - (right?.[1] ?? 0);
}

/** The pin that pip's complaint says no file exists for. */
export function missingPin(complaint: string, pins: readonly Pin[]): Pin | undefined {
  const wanted = /No matching distribution found for (\S+)/.exec(complaint)?.[1];
  return pins.find((pin) => pin.requirement === wanted || pin.name === wanted?.split(/[<>=!~]/)[0]);
}

/**
 * A pin whose very version is not to be had (withdrawn, or no file for this Python) becomes
 * "that version or the newest before it", and after that any version.
 */
export function relaxed(pin: Pin): Pin {
  const [, version] = pin.requirement.split('==');
  return { name: pin.name, requirement: version ? `${pin.name}<=${version}` : pin.name };
}

/**
 * The list of pins that fits a client: its own for the builder version, or, for a client that is
 * older than that version, the newest that it knows. Lists are files such as `2025.06.txt`.
 */
export function listFor(files: readonly string[], builderVersion: string): string | undefined {
  const exact = `${builderVersion}.txt`;
  if (files.includes(exact)) return exact;
  const known = files.filter((file) => /^\d{4}\.\d{2}\.txt$/.test(file)).sort();
  const preview = files.find((file) => file === 'PREVIEW.txt');
  if (builderVersion === 'PREVIEW') return known.at(-1);
  return known.findLast((file) => file < exact) ?? preview;
}
