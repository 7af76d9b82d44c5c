import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEvent } from './runner-events.ts';

const at = 1.5;

test('what the runner says is understood: phases, where it listens, a failed start', () => {
  for (const name of ['python', 'imports', 'code', 'startup'])
    assert.deepEqual(parseEvent(JSON.stringify({ event: 'phase', at, name })), { event: 'phase', at, name });
  const ready = {
    event: 'ready',
    at,
    sockets: { web: 'web.sock', m: 'm_0a1b2c.sock' },
    port: 8000,
    ports: { s: 8000 },
  };
  const { port: _, ...known } = ready;
  assert.deepEqual(parseEvent(JSON.stringify(ready)), known);
  const failed = { event: 'failed', at, message: "ModuleNotFoundError: No module named 'x'" };
  assert.deepEqual(parseEvent(JSON.stringify(failed)), failed);
});

test('what leads out of the folder, is no port or no event is left out', () => {
  const sockets = { a: '../door.sock', b: '/run/x.sock', c: 7, d: 'd.sock' };
  const ports = { a: 0, b: 65_536, c: '80', d: 80.5, e: 443 };
  const event = parseEvent(JSON.stringify({ event: 'ready', at, sockets, ports }));
  assert.deepEqual(event, { event: 'ready', at, sockets: { d: 'd.sock' }, ports: { e: 443 } });
  for (const line of ['', 'null', '[]', '{', '{"event":"ready"}', '{"event":"other","at":1}', 'x'.repeat(70_000)])
    assert.equal(parseEvent(line), undefined, line.slice(0, 20));
});
