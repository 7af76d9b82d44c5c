import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import { deploy, webFunction } from './client-steps.ts';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

const CONTAINER = 'ta-01JAAAAAAAAAAAAAAAAAAAAAA0';
const { STDOUT, STDERR } = nodeAgent.LogSource;
type Source = nodeAgent.LogSource;
let control: ControlOnNats;

before(async () => {
  control = await controlOnNats();
});

after(() => control?.[Symbol.asyncDispose]());

const nanosOf = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n;

/** An app that prints through `print`. */
async function printingApp(name: string) {
  const { appId } = await deploy(control, { name, functions: { web: webFunction() } });
  const print = (text: string, source: Source = STDOUT, atMs = Date.now(), containerId = CONTAINER): Promise<number> =>
    control.neighbours.logs.publish(
      [appId, containerId],
      nodeAgent.LogBatch.create({
        ...{ appId, containerId, functionId: 'fu-1' },
        items: text.split(/(?<=\n)/).map((data) => ({ data, source, timeUnixNano: nanosOf(atMs) })),
      }),
    );
  return { appId, print };
}

interface Heard {
  readonly lines: string[];
  readonly ids: string[];
  isDone: boolean;
}

/** Follows as a client does; the answer fills while it goes on. */
function follow(request: Partial<modal.AppGetLogsRequest>): { heard: Heard; ended: Promise<unknown> } {
  const heard: Heard = { lines: [], ids: [], isDone: false };
  const listen = async (): Promise<void> => {
    const options = { ...control.good, deadlineMs: 30_000 };
    for await (const batch of control.client.appGetLogs(modal.AppGetLogsRequest.create(request), options)) {
      heard.lines.push(...batch.items.map(({ data }) => data));
      heard.ids.push(batch.entryId);
      heard.isDone ||= batch.appDone;
    }
  };
  return { heard, ended: listen() };
}

async function fetched(request: Partial<modal.AppFetchLogsRequest>): Promise<string[]> {
  const { batches } = await control.client.appFetchLogs(modal.AppFetchLogsRequest.create(request), control.good);
  return batches.flatMap(({ items }) => items.map(({ data }) => data));
}

const at = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 });

test('what was printed comes first, then what is being printed, and the end with the app', async () => {
  const { appId, print } = await printingApp('followed');
  await print('one\ntwo\n');
  const { heard, ended } = follow({ appId, timeout: 20 });
  await eventually('the backlog came', () => heard.lines.length === 2);
  await print('three\n');
  await eventually('the new line came', () => heard.lines.length === 3);
  await print('last words\n');
  await control.client.appStop(modal.AppStopRequest.create({ appId }), control.good);
  await ended;
  assert.deepEqual(heard.lines, ['one\n', 'two\n', 'three\n', 'last words\n']);
  assert.equal(heard.isDone, true);
});

test('who comes back with the last entry gets each line once', async () => {
  const { appId, print } = await printingApp('resumed');
  await print('one\n');
  await print('two\n');
  const first = follow({ appId, timeout: 0 });
  await first.ended;
  assert.deepEqual(first.heard.lines, ['one\n', 'two\n']);
  await print('three\n');
  const rest = follow({ appId, timeout: 0, lastEntryId: first.heard.ids.at(-1) ?? '' });
  await rest.ended;
  assert.deepEqual(rest.heard.lines, ['three\n']);
  const fromFirst = follow({ appId, timeout: 0, lastEntryId: first.heard.ids[0] ?? '' });
  await fromFirst.ended;
  assert.deepEqual(fromFirst.heard.lines, ['two\n', 'three\n']);
});

test('a long backlog comes whole, also without following', async () => {
  const { appId, print } = await printingApp('long');
  const text = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(1_000)}\n`).join('');
  for (let i = 0; i < 30; i++) await print(text);
  const { heard, ended } = follow({ appId, timeout: 0 });
  await ended;
  assert.equal(heard.lines.length, 3_000);
});

test('following goes on when NATS has restarted', async () => {
  const { appId, print } = await printingApp('restarted');
  await print('before\n');
  const { heard, ended } = follow({ appId, timeout: 25 });
  await eventually('the backlog came', () => heard.lines.length === 1);
  await control.nats.kill();
  await control.nats.start();
  await eventually('a line is stored', () => print('after\n').catch(() => undefined), { withinMs: 20_000 });
  await eventually('it came', () => heard.lines.includes('after\n'), { withinMs: 20_000 });
  const stop = () => control.client.appStop(modal.AppStopRequest.create({ appId }), control.good);
  await eventually('the app is stopped', () => stop().then(() => true), { withinMs: 20_000 });
  await ended;
  assert.equal(heard.lines.filter((line) => line === 'before\n').length, 1);
});

test('the newest lines of a span of time, by source and text', async () => {
  const { appId, print } = await printingApp('fetched');
  const now = Date.now();
  for (let i = 0; i < 30; i++) await print(`line ${i}\n`, i % 3 === 0 ? STDERR : STDOUT, now - 60_000 + i * 1_000);
  assert.deepEqual(await fetched({ appId, limit: 3 }), ['line 27\n', 'line 28\n', 'line 29\n']);
  assert.equal((await fetched({ appId, limit: 1_000 })).length, 30);
  assert.deepEqual(await fetched({ appId, limit: 2, until: at(now - 60_000 + 5_000) }), ['line 4\n', 'line 5\n']);
  const until = at(now - 60_000 + 5_000);
  assert.deepEqual(await fetched({ appId, since: at(now - 60_000 + 4_000), until }), ['line 4\n', 'line 5\n']);
  assert.equal((await fetched({ appId, source: STDERR })).length, 10);
  assert.deepEqual(await fetched({ appId, searchText: 'line 17' }), ['line 17\n']);
  assert.deepEqual(await fetched({ appId, functionId: 'fu-2' }), []);
});

test('lines are counted by time and source', async () => {
  const { appId, print } = await printingApp('counted');
  const start = Math.floor(Date.now() / 10_000) * 10_000 - 60_000;
  await print('a\nb\n', STDOUT, start + 1_000);
  await print('c\n', STDERR, start + 2_000);
  await print('d\n', STDOUT, start + 11_000);
  await print('too early\n', STDOUT, start - 5_000);
  const { buckets } = await control.client.appCountLogs(
    modal.AppCountLogsRequest.create({ appId, since: at(start), until: at(start + 30_000), bucketSecs: 10 }),
    control.good,
  );
  assert.deepEqual(
    buckets.map(({ bucketStartAt, stdoutLogs, stderrLogs }) => [bucketStartAt?.seconds, stdoutLogs, stderrLogs]),
    [
      [BigInt(start / 1_000), 2n, 1n],
      [BigInt(start / 1_000) + 10n, 1n, 0n],
    ],
  );
});

test('one container is heard alone; nothing in particular, another form of id and an unknown app are refused', async () => {
  const { appId, print } = await printingApp('scoped');
  const other = 'ta-01JBBBBBBBBBBBBBBBBBBBBBB0';
  await print('of one\n');
  await print('of the other\n', STDOUT, Date.now(), other);
  assert.deepEqual(await fetched({ appId, taskId: other }), ['of the other\n']);
  assert.deepEqual(await fetched({ taskId: other }), ['of the other\n']);
  await assert.rejects(fetched({}), { kind: 'invalid-argument' });
  await assert.rejects(fetched({ appId: '*' }), { kind: 'not-found' });
  await assert.rejects(fetched({ appId, taskId: '*' }), { kind: 'not-found' });
  await assert.rejects(fetched({ appId: 'ap-none' }), { kind: 'not-found' });
});
