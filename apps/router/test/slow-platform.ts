import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { eventually } from '@portico/testing';
import { ask, type RawClient, type RawReply } from './raw-client.ts';
import { poolOf, routeOf, type Settings, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

/** A request that the container has, and answers when the test wants it to. */
export interface Run {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
}

/** A platform whose one container answers nothing by itself, and whose router soon sends clients away. */
export interface SlowPlatform extends SimulatedPlatform {
  /** Oldest first. */
  readonly runs: Run[];
}

/** What reading a result that is not there says. */
export const GONE = 'modal-http: Missing request, possibly due to expiry or cancellation';
const RESULT_URL = /^\/[^?]*\?(?:.*&)?__modal_attempt_token=[\w-]{32}$/;

export async function slowPlatform(limits: Settings = {}, pool = poolOf()): Promise<SlowPlatform> {
  const platform = await simulatedPlatform({ redirectAfterMs: 100, ...limits });
  const runs: Run[] = [];
  await platform.deploy({ version: 2, pools: [pool], routes: [routeOf({ poolId: pool.poolId })] });
  await platform.container(
    'ta-1',
    async (request, response) => {
      let body = '';
      for await (const piece of request) body += String(piece);
      runs.push({ request, response, body });
    },
    { poolId: pool.poolId },
  );
  return { ...platform, runs };
}

/** The result URL that a 303 names. */
export function sentAway(reply: RawReply): string {
  const location = reply.headers.get('location') ?? '';
  assert.deepEqual([reply.status, reply.body, reply.headers.get('content-length')], [303, '', '0']);
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  assert.match(location, RESULT_URL);
  return location;
}

/** What a result URL gives in the end. */
export async function resultOf({ port }: SimulatedPlatform, url = '', headers = '', method = 'GET'): Promise<RawReply> {
  let reply = await ask(port, url, headers, method);
  while (reply.status === 303) reply = await ask(port, sentAway(reply), headers, method);
  return reply;
}

/** Waits until a client that asks for the result of a run does so: it hears what the container says meanwhile. */
export async function untilReading(client: RawClient, { response }: Run): Promise<void> {
  const hint = client.reply();
  let hints = 0;
  void hint.then(() => (hints += 1));
  await eventually('it waits for the result', () => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    return hints > 0;
  });
  assert.equal((await hint).status, 103);
}

/** The only run so far. */
export async function onlyRun({ runs }: SlowPlatform): Promise<Run> {
  await eventually('it runs', () => runs.length > 0);
  assert.equal(runs.length, 1);
  return runs[0] as Run;
}

/** Requests in containers, as the router has last told. */
export const inFlight = ({ loads }: SimulatedPlatform): number => loads.at(-1)?.pools[0]?.inFlight ?? 0;
