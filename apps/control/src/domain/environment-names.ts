import { DomainError } from '@portico/errors';

const NAME = /^(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$/;
/** Two dashes end the part of a host name that says the environment. */
const SUFFIX = /^(?=.{0,32}$)([a-z0-9]+(-[a-z0-9]+)*)?$/;

/** Names go into keys and commands. */
export function checkedName(name: string): void {
  if (NAME.test(name)) return;
  throw new DomainError(
    'invalid-argument',
    'environment.bad_name',
    `${JSON.stringify(name)} can't name an environment: use up to 64 letters, digits, dots, dashes and underscores, with a letter or digit first and no dot at the end.`,
  );
}

/** Suffixes go into host names; empty = none. */
export function checkedSuffix(suffix: string): void {
  if (SUFFIX.test(suffix)) return;
  throw new DomainError(
    'invalid-argument',
    'environment.bad_suffix',
    `${JSON.stringify(suffix)} can't be part of a host name: use up to 32 lower-case letters, digits and single dashes, with a letter or digit at both ends.`,
  );
}

/** The suffix that a new environment gets: its name, as host names are written. */
export function suffixOfName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 32)
    .replaceAll(/^-+|-+$/g, '');
}
