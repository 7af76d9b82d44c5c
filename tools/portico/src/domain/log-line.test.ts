import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLogLine, renderLogLine } from './log-line.ts';

test('a JSON line is shown as time, level, service, message and the rest', () => {
  const line = parseLogLine(
    '{"level":"warn","time":"2026-01-02T03:04:05.678Z","service":"router","pool":"po-1","msg":"busy"}',
  );
  assert.equal(renderLogLine(line, 'router'), '03:04:05.678 warn  router        busy  pool=po-1');
});

test('what is no JSON is shown as it is', () => {
  assert.equal(renderLogLine(parseLogLine('[1] [INF] Starting'), 'nats'), 'nats: [1] [INF] Starting');
  assert.equal(renderLogLine(parseLogLine('{broken'), 'nats'), 'nats: {broken');
});

test('an error is shown with its stack', () => {
  const line = parseLogLine(
    '{"level":"error","time":"2026-01-02T03:04:05.678Z","service":"auth","err":{"stack":"Error: a\\n at b"},"msg":"failed"}',
  );
  assert.match(renderLogLine(line, 'auth'), /failed {2}\n {4}Error: a\n {4} at b$/);
});
