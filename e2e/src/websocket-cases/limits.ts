import { fails, goesOn, hears, inOctets, sends, type WebSocketCase } from '../websocket-case.ts';
import { frame, opcodes } from '../websocket-frames.ts';

const { continuation, text, binary, ping, pong } = opcodes;
const KIB = 1024;
const LARGEST = 2 * KIB * KIB;

function fragments(opcode: number, payload: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size)
    parts.push(
      frame(at === 0 ? opcode : continuation, payload.subarray(at, at + size), {
        isFinal: at + size >= payload.length,
      }),
    );
  return parts;
}

const kinds = [
  ['text', text],
  ['binary', binary],
] as const;

const large = kinds.flatMap(([kind, opcode], i) =>
  [64 * KIB, 256 * KIB, KIB * KIB, LARGEST].map((size, step) => {
    const payload = Buffer.alloc(size, '*');
    const does = `sends a ${kind} message of ${size / KIB} KiB`;
    return goesOn(`9.${i + 1}.${step + 1}`, does, sends(frame(opcode, payload)), hears(opcode, payload));
  }),
);

const fragmented = kinds.flatMap(([kind, opcode], i) =>
  [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB].map((size, step) => {
    const payload = Buffer.alloc(size < KIB ? 64 * KIB : LARGEST, '*');
    const does = `sends a ${kind} message of ${payload.length / KIB} KiB in fragments of ${size} octets`;
    return goesOn(`9.${i + 3}.${step + 1}`, does, sends(...fragments(opcode, payload, size)), hears(opcode, payload));
  }),
);

const chopped = kinds.flatMap(([kind, opcode], i) =>
  [64, 128, 256, 512, KIB, 2 * KIB].map((octets, step) => {
    const payload = Buffer.alloc(256 * KIB, '*');
    const does = `sends a ${kind} message of 256 KiB in writes of ${octets} octets`;
    return goesOn(`9.${i + 5}.${step + 1}`, does, inOctets(octets, frame(opcode, payload)), hears(opcode, payload));
  }),
);

const many = kinds.map(([kind, opcode], i) => {
  const messages = Array.from({ length: 1_000 }, (_, n) => String(n).padEnd(16, '.'));
  return goesOn(
    `9.${i + 7}`,
    `sends 1,000 ${kind} messages at once`,
    sends(...messages.map((each) => frame(opcode, each))),
    ...messages.map((each) => hears(opcode, each)),
  );
});

const beyond: readonly WebSocketCase[] = [
  ...kinds.map(([kind, opcode]) =>
    fails(
      '9',
      `sends a ${kind} message of 2 MiB and an octet`,
      1009,
      sends(frame(opcode, Buffer.alloc(LARGEST + 1, '*'))),
    ),
  ),
  fails(
    '9',
    'sends fragments of 2 MiB and an octet together',
    1009,
    sends(...fragments(binary, Buffer.alloc(LARGEST + 1), 64 * KIB)),
  ),
  fails(
    '9',
    'says that a message has 2^62 octets',
    1009,
    sends(Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])),
  ),
  fails(
    '9',
    'says that a message has 2^63 octets',
    1002,
    sends(Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])),
  ),
  fails('9', 'gets a message of 2 MiB and an octet', 1009, sends(frame(text, 'more than 2 MiB'))),
  goesOn(
    '9',
    'pings inside of a message of 2 MiB, which does not count for it',
    sends(frame(binary, Buffer.alloc(KIB * KIB), { isFinal: false }), frame(ping, 'between')),
    hears(pong, 'between'),
    sends(frame(continuation, Buffer.alloc(KIB * KIB))),
    hears(binary, Buffer.alloc(LARGEST)),
  ),
];

const automatic = [
  goesOn(
    '10.1.1',
    'sends a message of 65,536 octets in fragments of 1,300',
    sends(...fragments(text, Buffer.alloc(65_536, '*'), 1_300)),
    hears(text, '*'.repeat(65_536)),
  ),
];

export const limitCases = [...large, ...fragmented, ...chopped, ...many, ...beyond, ...automatic];
