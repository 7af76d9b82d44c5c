import type { control } from '@portico/contracts';

/** What users call an environment now; `name` is what its data is kept under, and never changes. */
export function currentNameOf({ name, currentName }: control.Environment): string {
  return currentName || name;
}

/** The environment that a name leads to: whoever has it now, else who had it before. */
export function findEnvironment(
  environments: readonly control.Environment[],
  name: string,
): control.Environment | undefined {
  return (
    environments.find((environment) => currentNameOf(environment) === name) ??
    environments.find(({ formerNames }) => formerNames.includes(name))
  );
}

/** The same environment under another name; the old one still leads to it. */
export function renamed(environment: control.Environment, currentName: string): control.Environment {
  const formerNames = [...environment.formerNames, currentNameOf(environment)].filter((name) => name !== currentName);
  return { ...environment, currentName, formerNames: [...new Set(formerNames)] };
}

/** A name that somebody else has now leads there only, also when that one is gone. */
export function withoutFormerName(environment: control.Environment, name: string): control.Environment | undefined {
  if (!environment.formerNames.includes(name)) return undefined;
  return { ...environment, formerNames: environment.formerNames.filter((former) => former !== name) };
}
