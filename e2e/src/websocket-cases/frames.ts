import { fails, goesOn, hears, inOctets, mayHear, message, sends, type WebSocketCase } from '../websocket-case.ts';
import { frame, opcodes } from '../websocket-frames.ts';

const { text, binary, ping, pong } = opcodes;
const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536];
const CHOPPED = [
  [65_536, 997],
  [300, 1],
] as const;

const framing = (
  [
    ['1.1', 'text', text],
    ['1.2', 'binary', binary],
  ] as const
).flatMap(([section, kind, opcode]) => [
  ...SIZES.map((size) => {
    const payload = Buffer.alloc(size, '*');
    return goesOn(
      section,
      `sends a ${kind} message of ${size} octets`,
      sends(frame(opcode, payload)),
      hears(opcode, payload),
    );
  }),
  ...CHOPPED.map(([size, octets]) => {
    const payload = Buffer.alloc(size, '*');
    return goesOn(
      section,
      `sends a ${kind} message of ${size} octets in writes of ${octets}`,
      inOctets(octets, frame(opcode, payload)),
      hears(opcode, payload),
    );
  }),
]);

const pinged = (payload: string | Buffer): WebSocketCase['steps'] => [
  sends(frame(ping, payload)),
  hears(pong, payload),
];
const TEN = Array.from({ length: 10 }, (_, i) => `ping ${i}`);
const TEXT = 'after that';
const echo = [sends(frame(text, TEXT)), hears(text, TEXT)];

const pings = [
  goesOn('2.1', 'pings without a payload', ...pinged('')),
  goesOn('2.2', 'pings with text', ...pinged('are you there?')),
  goesOn('2.3', 'pings with octets that are no UTF-8', ...pinged(Buffer.from([0, 255, 254, 253, 252, 251, 0, 255]))),
  goesOn('2.4', 'pings with 125 octets', ...pinged(Buffer.alloc(125, 0xfe))),
  fails('2.5', 'pings with 126 octets', 1002, sends(frame(ping, Buffer.alloc(126, 0xfe)))),
  goesOn(
    '2.6',
    'pings with 125 octets, octet by octet',
    inOctets(1, frame(ping, Buffer.alloc(125, 0xfe))),
    hears(pong, Buffer.alloc(125, 0xfe)),
  ),
  goesOn('2.7', 'sends a pong that nobody asked for', sends(frame(pong)), ...echo),
  goesOn('2.8', 'sends a pong with a payload that nobody asked for', sends(frame(pong, 'unasked')), ...echo),
  goesOn('2.9', 'sends a pong that nobody asked for, then a ping', sends(frame(pong, 'unasked')), ...pinged('asked')),
  goesOn(
    '2.10',
    'pings ten times at once',
    sends(...TEN.map((payload) => frame(ping, payload))),
    ...TEN.map((payload) => hears(pong, payload)),
  ),
  goesOn(
    '2.11',
    'pings ten times at once, octet by octet',
    inOctets(1, ...TEN.map((payload) => frame(ping, payload))),
    ...TEN.map((payload) => hears(pong, payload)),
  ),
];

/** First an honest message, which may be answered or not: what is wrong ends the connection at once. */
const wrong = (section: string, does: string, octets: number | undefined, ...frames: Buffer[]): WebSocketCase => {
  const first = frame(text, 'before');
  const step = octets ? inOctets(octets, first, ...frames) : sends(first, ...frames);
  return mayHear(fails(section, does, 1002, step), message(text, 'before'));
};

const reservedBits = [1, 2, 3, 4, 5, 6, 7].flatMap((bits) => {
  const opcode = [text, text, text, text, binary, ping, opcodes.close][bits - 1] ?? text;
  const name = ['text', 'text', 'text', 'text', 'a binary message', 'a ping', 'a close'][bits - 1];
  const bad = frame(opcode, 'x', { reserved: bits << 4 });
  const does = `sets the reserved bits ${bits} on ${name}`;
  return bits === 3 || bits === 4
    ? [
        wrong(`3.${bits}`, `${does}, frame by frame`, undefined, bad, frame(ping)),
        wrong(`3.${bits}`, `${does}, octet by octet`, 1, bad, frame(ping)),
      ]
    : [wrong(`3.${bits}`, does, undefined, bad, frame(ping))];
});

const unknownOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode, i) => {
  const section = opcode < 8 ? `4.1.${i + 1}` : `4.2.${i - 4}`;
  const kind = opcode < 8 ? 'a message' : 'a control frame';
  return [
    wrong(section, `sends ${kind} with the opcode ${opcode}`, undefined, frame(opcode), frame(ping)),
    wrong(section, `sends ${kind} with the opcode ${opcode} and a payload, octet by octet`, 1, frame(opcode, 'what?')),
  ];
});

const unmasked = [
  wrong('RFC 6455, 5.1', 'sends a frame without a mask', undefined, Buffer.from('\x81\x02hi', 'latin1')),
];

export const frameCases = [...framing, ...pings, ...reservedBits, ...unknownOpcodes, ...unmasked];
