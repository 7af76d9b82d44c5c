import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyUnreachable } from './silent-port.ts';

const table = (...sockets: [local: string, state: string][]): string =>
  [
    '  sl  local_address rem_address   st tx_queue rx_queue',
    ...sockets.map(([local, state], i) => `   ${i}: ${local} 00000000:0000 ${state} 00000000:00000000`),
  ].join('\n');

const cases: [name: string, tables: string, why: RegExp | undefined][] = [
  ['no socket', table(), /^Nothing listened on port 8000 within 3 seconds/],
  ['a listener on another port', table(['00000000:1F41', '0A']), /^Nothing listened/],
  ['a connection from the port', table(['00000000:1F40', '01']), /^Nothing listened/],
  ['127.0.0.1', table(['0100007F:1F40', '0A']), /listens on 127\.0\.0\.1:8000 only/],
  ['another loopback address', table(['0200007F:1F40', '0A']), /listens on 127\.0\.0\.1:8000 only/],
  ['::1', table([`${'0'.repeat(24)}01000000:1F40`, '0A']), /listens on 127\.0\.0\.1:8000 only/],
  ['::ffff:127.0.0.1', table([`${'0'.repeat(16)}FFFF00000100007F:1F40`, '0A']), /only/],
  ['all addresses', table(['00000000:1F40', '0A']), undefined],
  ['all addresses of IPv6', table([`${'0'.repeat(32)}:1F40`, '0A']), undefined],
  ['loopback and all', table(['0100007F:1F40', '0A'], ['00000000:1F40', '0A']), undefined],
];

for (const [name, tables, why] of cases)
  test(`a server on ${name}`, () => {
    const said = whyUnreachable(tables, 8000, 3_000);
    if (why) assert.match(said ?? '', why);
    else assert.equal(said, undefined);
  });
