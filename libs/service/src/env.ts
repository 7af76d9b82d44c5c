/** An environment: what `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** All problems of a configuration at once, each naming its variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Reads variables one by one and collects what is wrong with them. */
export interface EnvironmentReader {
  text(name: string, fallback?: string): string;
  optionalText(name: string): string | undefined;
  /** The beginning of a host name: up to 32 lower-case letters, digits and single dashes, and not `xn`, which means another alphabet. */
  hostPart(name: string, fallback: string): string;
  /** A whole number within bounds. */
  integer(name: string, fallback: number, bounds: { min: number; max: number }): number;
  port(name: string, fallback: number): number;
  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T;
  /** Throws ConfigError if anything was wrong. Call it last. */
  done(): void;
}

const HOST_PART = /^(?!xn$)[a-z0-9]+(-[a-z0-9]+)*$/;

export function readEnvironment(env: Environment): EnvironmentReader {
  const problems: string[] = [];
  const raw = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const integer: EnvironmentReader['integer'] = (name, fallback, { min, max }) => {
    const value = raw(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    problems.push(`${name} must be a whole number from ${min} to ${max}, not "${value}".`);
    return fallback;
  };
  return {
    text(name, fallback) {
      const value = raw(name) ?? fallback;
      if (value === undefined) problems.push(`${name} is not set.`);
      return value ?? '';
    },
    optionalText: raw,
    hostPart(name, fallback) {
      const value = raw(name) ?? fallback;
      if (!HOST_PART.test(value) || value.length > 32)
        problems.push(
          `${name} must have up to 32 lower-case letters, digits and single dashes, with a letter or digit at both ends, and not be "xn"; it is "${value}".`,
        );
      return value;
    },
    integer,
    port: (name, fallback) => integer(name, fallback, { min: 1, max: 65_535 }),
    choice(name, fallback, choices) {
      const value = raw(name) ?? fallback;
      const found = choices.find((choice) => choice === value);
      if (found === undefined) problems.push(`${name} must be one of ${choices.join(', ')}, not "${value}".`);
      return found ?? fallback;
    },
    done() {
      if (problems.length > 0) throw new ConfigError(problems);
    },
  };
}
