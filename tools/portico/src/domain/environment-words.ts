import type { control } from '@portico/contracts';
import { UserError } from '../user-error.ts';

type Environments = readonly Pick<control.Environment, 'name' | 'currentName'>[];

/** What the data of the environments is kept under that are called so now. */
export function keysOf(environments: Environments, called: readonly string[]): string[] {
  return called.map((wanted) => {
    const found = environments.find(({ name, currentName }) => (currentName || name) === wanted);
    if (!found) throw new UserError(`There is no environment "${wanted}".`);
    return found.name;
  });
}

/** What an environment is called now; one that is gone keeps its name. */
export function shownName(environments: Environments, key: string): string {
  return environments.find(({ name }) => name === key)?.currentName || key;
}
