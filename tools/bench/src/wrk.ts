import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadResult } from './load.ts';

const PROGRAM = '/usr/bin/wrk';

/** What a browser sends along. */
const HEADERS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench/1.0',
  'Accept: application/json, text/plain, */*',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-US,en;q=0.9',
];

/** What wrk runs at its end: its figures as a line of JSON. Microseconds. */
const REPORT = `done = function(summary, latency, requests)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format('{"exchanges":%d,"us":%d,"p50":%d,"p99":%d,"errors":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors))
end
`;

export interface WrkOptions {
  /** Where its script may be written. */
  readonly folder: string;
  readonly host: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Load from wrk, which costs a core so little that a proxy on another one is busy all the time. */
export async function runWrk(
  { host: address, port }: { host: string; port: number },
  { folder, host, connections, seconds }: WrkOptions,
): Promise<LoadResult> {
  if (!existsSync(PROGRAM)) throw new Error('wrk is missing: apt-get install wrk');
  const script = join(folder, 'report.lua');
  await writeFile(script, REPORT);
  const headers = [`Host: ${host}`, ...HEADERS].flatMap((header) => ['-H', header]);
  const size = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`];
  const { stdout } = await promisify(execFile)(PROGRAM, [
    ...size,
    '-s',
    script,
    ...headers,
    `http://${address}:${port}/`,
  ]);
  const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
  const { exchanges = 0, us = 0, p50 = 0, p99 = 0, errors = 0 } = said;
  if (errors > 0) throw new Error(`${errors} of ${exchanges} requests to ${address}:${port} have failed.`);
  return { exchanges, perSecond: exchanges / (us / 1e6), p50Ms: p50 / 1_000, p99Ms: p99 / 1_000 };
}
