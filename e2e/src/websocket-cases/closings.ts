import { closes, fails, goesOn, hears, mayHear, message, sends, type WebSocketCase } from '../websocket-case.ts';
import { closePayload, frame, opcodes } from '../websocket-frames.ts';

const { continuation, text, binary, close, ping } = opcodes;
const closing = (code: number, reason: string | Buffer = ''): Buffer => frame(close, closePayload(code, reason));
const LARGE = Buffer.alloc(256 * 1024, '#');

const onlyAsgi = (of: WebSocketCase): WebSocketCase => ({ ...of, only: 'asgi' });

const handshakes = [
  goesOn('7.1.1', 'sends a message, then closes', sends(frame(text, 'hello')), hears(text, 'hello')),
  closes('7.1.2', 'closes twice', 1000, sends(closing(1000), closing(1000))),
  closes('7.1.3', 'closes, then pings', 1000, sends(closing(1000), frame(ping))),
  closes('7.1.4', 'closes, then sends a message', 1000, sends(closing(1000), frame(text, 'too late'))),
  // The library of the other server calls this a fault.
  onlyAsgi(
    closes(
      '7.1.5',
      'closes inside of a fragmented message, then ends that',
      1000,
      sends(frame(text, 'first, ', { isFinal: false }), closing(1000), frame(continuation, 'second')),
    ),
  ),
  goesOn(
    '7.1.6',
    'sends 256 KiB and a message, then closes',
    sends(frame(text, LARGE), frame(text, 'small')),
    hears(text, LARGE.toString()),
    hears(text, 'small'),
  ),
];

const payloads = [
  closes('7.3.1', 'closes without a payload', 1005, sends(frame(close))),
  fails('7.3.2', 'closes with a payload of one octet', 1002, sends(frame(close, 'a'))),
  closes('7.3.3', 'closes with a code', 1000, sends(closing(1000))),
  closes('7.3.4', 'closes with a code and a reason', 1000, sends(closing(1000, 'as agreed'))),
  closes('7.3.5', 'closes with a reason of 123 octets', 1000, sends(closing(1000, '*'.repeat(123)))),
  fails('7.3.6', 'closes with a reason of 124 octets', 1002, sends(closing(1000, '*'.repeat(124)))),
  fails(
    '7.5.1',
    'closes with a reason that is no UTF-8',
    1007,
    sends(closing(1000, Buffer.from('ceba eda080'.replace(' ', ''), 'hex'))),
  ),
];

const codes = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code, i) =>
    closes(`7.7.${i + 1}`, `closes with ${code}`, code, sends(closing(code))),
  ),
  ...[1012, 1013, 1014].map((code) =>
    closes('7', `closes with ${code}, which was registered later`, code, sends(closing(code))),
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, i) =>
    fails(`7.9.${i + 1}`, `closes with ${code}`, 1002, sends(closing(code))),
  ),
  ...[5000, 65_535].map((code, i) => fails(`7.13.${i + 1}`, `closes with ${code}`, 1002, sends(closing(code)))),
  fails('7', 'closes with 1015, which stands for a failure of TLS', 1002, sends(closing(1015))),
];

/** An honest message before may be answered or not. */
const after = [
  mayHear(
    closes('7', 'sends a message and closes in the same write', 1000, sends(frame(binary, 'last'), closing(1000))),
    message(binary, 'last'),
  ),
];

export const closingCases = [...handshakes, ...payloads, ...codes, ...after];
