import { control } from '@portico/contracts';
import { connectGrpc, type GrpcClient, RemoteError } from '@portico/grpc';
import { socketOf } from '@portico/service';
import type { Config } from '../config.ts';
import { numberOf, targetOf } from '../domain/limit-words.ts';
import { say, tableOf } from '../terminal.ts';
import { UserError } from '../user-error.ts';

const CALL = { deadlineMs: 5_000 };

type Operator = GrpcClient<typeof control.OperatorServiceService>;
/** `--rate`, `--burst`, `--queue` and `--environment`, as they were written. */
type Flags = Readonly<Record<string, unknown>>;

/** `limit list`, `limit set TARGET [--rate N] [--burst N] [--queue N]`, `limit clear TARGET`; TARGET = `workspace` or `APP/FUNCTION`. */
export async function limit(config: Config, [verb, target = '']: readonly string[], flags: Flags): Promise<void> {
  await using operator = connectGrpc(control.OperatorServiceService, `unix://${socketOf(config.home, 'control')}`);
  if (verb === 'list' && target === '') return await list(operator);
  if (verb !== 'set' && verb !== 'clear')
    throw new UserError('Say ./portico limit list, set TARGET [--rate N] [--burst N] [--queue N], or clear TARGET.');
  const wanted = targetOf(target, String(flags['environment'] ?? ''), config.workspace);
  if (verb === 'set') {
    const bounds = {
      ratePerSecond: numberOf('rate', flags['rate']),
      burst: numberOf('burst', flags['burst']),
      queueLength: numberOf('queue', flags['queue']),
    };
    await operator.setLimit(control.SetLimitRequest.create({ target: wanted, ...bounds }), CALL).catch(refused);
    return await list(operator);
  }
  await operator.clearLimit(control.ClearLimitRequest.create({ target: wanted }), CALL).catch(refused);
  say(`${target} has no limit of its own any more.`);
}

/** What control says is a sentence for whoever called. */
function refused(error: unknown): never {
  throw error instanceof RemoteError ? new UserError(error.message) : error;
}

async function list(operator: Operator): Promise<void> {
  const { limits } = await operator.listLimits({}, CALL);
  const rows = limits.map(rowOf).toSorted((a, b) => a.join().localeCompare(b.join()));
  say(tableOf([['ENVIRONMENT', 'TARGET', 'RATE', 'BURST', 'QUEUE', 'SET'], ...rows]));
}

function rowOf({ target: { target } = {}, ratePerSecond, burst, queueLength, setAt }: control.Limit): string[] {
  const { environmentName = '', appName = '', tag = '' } = target?.$case === 'function' ? target.value : {};
  return [
    environmentName || '-',
    target?.$case === 'function' ? `${appName}/${tag}` : 'workspace',
    ratePerSecond === undefined ? '-' : `${ratePerSecond}/s`,
    String(burst ?? '-'),
    String(queueLength ?? '-'),
    new Date(setAt * 1_000).toISOString().slice(0, 16),
  ];
}
