import { control } from '@portico/contracts';
import { UserError } from '../user-error.ts';

/** What `workspace` or `APP/FUNCTION` means; an empty environment is the default one. */
export function targetOf(words: string, environmentName: string, workspace: string): control.LimitTarget {
  if (words === 'workspace' && environmentName === '')
    return control.LimitTarget.create({ target: { $case: 'workspace', value: workspace } });
  if (words === 'workspace') throw new UserError('The limit of the workspace is that of all environments.');
  const [appName, tag, ...more] = words.split('/');
  if (!appName || !tag || more.length > 0)
    throw new UserError('Name what the limit is for: "workspace", or APP/FUNCTION.');
  return control.LimitTarget.create({ target: { $case: 'function', value: { environmentName, appName, tag } } });
}

/** A number of the command line; undefined when it is not set. */
export function numberOf(flag: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`--${flag} must be a whole number, not "${text}".`);
  return Number(text);
}
