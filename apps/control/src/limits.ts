import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { environmentOf, environmentOfRecord, environmentTitleOf } from './domain/apps.ts';
import { findEnvironment } from './domain/environments.ts';
import { checkedBounds, keyOfTarget, titleOfTarget } from './domain/limit-names.ts';
import type { State } from './state.ts';

type Target = NonNullable<control.LimitTarget['target']>;

/** Sets the bounds that are named and leaves the others. */
export async function setLimit(state: State, request: control.SetLimitRequest): Promise<control.Limit> {
  const target = presentTarget(state, request.target);
  const bounds = checkedBounds(request);
  const set = await state.limits.modify(keyOfTarget(target), (now) => {
    const next = control.Limit.create({ ...now, ...bounds, target: { target }, setAt: state.now() });
    if (target.$case === 'function' && next.burst !== undefined && next.ratePerSecond === undefined)
      throw new DomainError(
        'invalid-argument',
        'limit.burst_without_rate',
        'A function has no rate of its own that the burst could belong to: set a rate with it.',
      );
    return next;
  });
  return set ?? control.Limit.create({ target: { target } });
}

/** Takes all bounds of a target away; it need not exist any more. */
export async function clearLimit(state: State, { target }: control.ClearLimitRequest): Promise<void> {
  const named = namedTarget(state, target);
  const held = spellings(named).find((spelling) => state.limits.get(keyOfTarget(spelling)));
  if (!held) throw new DomainError('not-found', 'limit.not_set', `No limit is set for ${titleOfTarget(named)}.`);
  await state.limits.delete(keyOfTarget(held));
}

/** Takes away what is set for functions of an environment that goes. */
export async function dropLimits(state: State, environmentName: string): Promise<void> {
  const targets = state.limits.values().flatMap(({ target }) => target?.target ?? []);
  const left = targets.filter(
    (target) => target.$case === 'function' && target.value.environmentName === environmentName,
  );
  await Promise.all(left.map((target) => state.limits.delete(keyOfTarget(target))));
}

/** All limits, with what environments are called. */
export function shownLimits(state: State): control.Limit[] {
  return state.limits.values().map((limit) => {
    const target = limit.target?.target;
    if (target?.$case !== 'function') return limit;
    const value = { ...target.value, environmentName: environmentTitleOf(state, target.value) };
    return { ...limit, target: { target: { $case: 'function', value } } };
  });
}

function namedTarget(state: State, wanted: control.LimitTarget | undefined): Target {
  const target = wanted?.target;
  if (target?.$case === 'workspace' && target.value === state.config.workspace) return target;
  if (target?.$case !== 'function')
    throw new DomainError('not-found', 'limit.no_target', `There is no workspace "${target?.value ?? ''}" here.`);
  // An environment that is gone may have left limits behind.
  const called = target.value.environmentName;
  const found = called ? findEnvironment(state.environments.values(), called) : environmentOf(state, '');
  const environmentName = found?.name ?? called;
  return { $case: 'function', value: { ...target.value, environmentName } };
}

/** The same, but a function must be in an app that runs: a limit for a name that is mistyped would do nothing. */
function presentTarget(state: State, wanted: control.LimitTarget | undefined): Target {
  const named = namedTarget(state, wanted);
  if (named.$case === 'workspace') return named;
  const { environmentName, appName } = named.value;
  environmentOfRecord(state, { environmentName });
  const tags = state.apps
    .values()
    .filter((app) => app.name === appName && app.environmentName === environmentName && isRunning(app))
    .flatMap((app) => Object.keys(Object.fromEntries(app.functionIds)));
  const found = spellings(named).find((spelling) => spelling.$case === 'function' && tags.includes(spelling.value.tag));
  if (found) return found;
  const known = tags.length > 0 ? `its functions are: ${tags.toSorted().join(', ')}` : 'no such app runs';
  throw new DomainError('not-found', 'limit.no_function', `There is no ${titleOfTarget(named)}; ${known}.`);
}

function isRunning({ phase }: control.App): boolean {
  return phase !== control.AppPhase.STOPPED;
}

/** A class may be named as it is written in Python, without what its tag ends with. */
function spellings(target: Target): Target[] {
  if (target.$case === 'workspace') return [target];
  return [target, { $case: 'function', value: { ...target.value, tag: `${target.value.tag}.*` } }];
}
