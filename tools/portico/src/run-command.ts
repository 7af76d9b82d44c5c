import { parseArgs } from 'node:util';
import { ConfigError, type Environment } from '@portico/service';
import { type Config, readConfig } from './config.ts';
import { complain } from './terminal.ts';
import { UserError } from './user-error.ts';

type Command = (config: Config, args: string[]) => Promise<unknown>;

/** Commands load what they need: `env` must be quick. */
const commands: Record<string, Command> = {
  async up(config, args) {
    const { values } = parse(args, { foreground: { type: 'boolean' }, 'no-hello': { type: 'boolean' } });
    const { up } = await import('./commands/up.ts');
    await up(config, { isForeground: values['foreground'] === true, hasHello: values['no-hello'] !== true });
  },
  async env(config, args) {
    parse(args, {});
    await (await import('./commands/env.ts')).env(config);
  },
  async status(config, args) {
    const { values } = parse(args, { json: { type: 'boolean' } });
    await (await import('./commands/status.ts')).status(config, { isJson: values['json'] === true });
  },
  async logs(config, args) {
    const { values, positionals } = parse(
      args,
      { follow: { type: 'boolean', short: 'f' }, json: { type: 'boolean' } },
      1,
    );
    const { logs } = await import('./commands/logs.ts');
    await logs(config, {
      service: positionals[0],
      isFollowing: values['follow'] === true,
      isRaw: values['json'] === true,
    });
  },
  async down(config, args) {
    const { values } = parse(args, { purge: { type: 'boolean' } });
    await (await import('./commands/down.ts')).down(config, { isPurge: values['purge'] === true });
  },
  async doctor(config, args) {
    parse(args, {});
    return (await import('./commands/doctor.ts')).doctor(config);
  },
  async token(config, args) {
    const flags: Flags = {
      name: { type: 'string' },
      proxy: { type: 'boolean' },
      environment: { type: 'string', multiple: true },
    };
    const { values, positionals } = parse(args, flags, 2);
    await (await import('./commands/token.ts')).token(config, positionals, {
      name: String(values['name'] ?? ''),
      isProxy: values['proxy'] === true,
      environments: Array.isArray(values['environment']) ? values['environment'].map(String) : [],
    });
  },
  async limit(config, args) {
    const text = { type: 'string' } as const;
    const { values, positionals } = parse(args, { rate: text, burst: text, queue: text, environment: text }, 2);
    await (await import('./commands/limit.ts')).limit(config, positionals, values);
  },
  async test(config, args) {
    const { positionals } = parse(args, {}, 10);
    return (await import('./commands/test.ts')).test(config, positionals);
  },
};

type Flags = Record<string, { type: 'boolean' | 'string'; short?: string; multiple?: boolean }>;

function parse(args: string[], options: Flags, positionalsMax = 0) {
  const parsed = parseArgs({ args, options, allowPositionals: positionalsMax > 0, strict: true });
  if (parsed.positionals.length > positionalsMax)
    throw new UserError(`"${parsed.positionals[positionalsMax]}" is not understood.`);
  return parsed;
}

/** Runs one command; the answer is the exit code. */
export async function runCommand([name = '', ...args]: readonly string[], env: Environment): Promise<number> {
  try {
    const command = commands[name];
    if (!command) throw new UserError(`There is no command "${name}"; ./portico help lists them.`);
    const result = await command(readConfig(env), args);
    return typeof result === 'number' ? result : 0;
  } catch (error) {
    for (const sentence of sentencesOf(error)) complain(sentence);
    return 1;
  }
}

function sentencesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  if (error instanceof UserError) return [error.message];
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    return [error.message];
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
}
