import type { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';

type Target = NonNullable<control.LimitTarget['target']>;
type Bounds = Pick<control.Limit, 'ratePerSecond' | 'burst' | 'queueLength'>;

const names = { ratePerSecond: 'rate', burst: 'burst', queueLength: 'queue' } as const;
const most = { ratePerSecond: 10_000_000, burst: 10_000_000, queueLength: 1_000_000 } as const;

/** Where the limit of a target is kept: every target has a key of its own that NATS takes. */
export function keyOfTarget(target: Target): string {
  if (target.$case === 'workspace') return `workspace/${keyPart(target.value)}`;
  const { environmentName, appName, tag } = target.value;
  return `function/${[environmentName, appName, tag].map(keyPart).join('/')}`;
}

/** Letters, digits, dashes and underscores stand for themselves; all else is `=` and two hex digits a byte. */
function keyPart(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => String.fromCharCode(byte))
    .map((char) => (/[A-Za-z0-9_-]/.test(char) ? char : `=${char.charCodeAt(0).toString(16).padStart(2, '0')}`))
    .join('');
}

/** A target in a sentence. */
export function titleOfTarget(target: Target): string {
  if (target.$case === 'workspace') return `workspace "${target.value}"`;
  const { environmentName, appName, tag } = target.value;
  return `function "${tag}" of the app "${appName}" in the environment "${environmentName}"`;
}

/** The bounds that a request sets: at least one, each a number that routers can keep to. */
export function checkedBounds(request: Bounds): Bounds {
  const bounds: Partial<Record<keyof Bounds, number>> = {};
  for (const field of ['ratePerSecond', 'burst', 'queueLength'] as const) {
    const value = request[field];
    if (value === undefined) continue;
    if (value < 1 || value > most[field])
      throw new DomainError(
        'invalid-argument',
        'limit.out_of_bounds',
        `The ${names[field]} must be from 1 to ${most[field]}, not ${value}.`,
      );
    bounds[field] = value;
  }
  if (Object.keys(bounds).length === 0)
    throw new DomainError('invalid-argument', 'limit.nothing_to_set', 'Set a rate, a burst or a queue.');
  return bounds;
}
