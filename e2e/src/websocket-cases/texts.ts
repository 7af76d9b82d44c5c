import {
  fails,
  goesOn,
  hears,
  inOctets,
  mayHear,
  message,
  type Step,
  sends,
  type WebSocketCase,
} from '../websocket-case.ts';
import { frame, opcodes } from '../websocket-frames.ts';

const { continuation, text } = opcodes;
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const start = (payload: Buffer | string): Buffer => frame(text, payload, { isFinal: false });
const middle = (payload: Buffer | string): Buffer => frame(continuation, payload, { isFinal: false });
const end = (payload: Buffer | string): Buffer => frame(continuation, payload);

/** Characters of two, three and four octets. */
const MIXED = Buffer.from('Grüße, κόσμε, 世界 🎉');
/** A surrogate, which UTF-8 can't have, between two honest words. */
const HONEST = Buffer.from('κόσμε');
const SPOILT = Buffer.concat([HONEST, bytes('eda080'), Buffer.from('edited')]);

const octetFragments = (payload: Buffer): Buffer[] => [
  start(''),
  ...Array.from(payload, (octet) => middle(Buffer.from([octet]))),
  end(''),
];

const whole = [
  goesOn('6.1.1', 'sends no text', sends(frame(text)), hears(text, '')),
  goesOn('6.1.2', 'sends no text in three fragments', sends(start(''), middle(''), end('')), hears(text, '')),
  goesOn(
    '6.1.3',
    'sends text between two empty fragments',
    sends(start(''), middle('mid'), end('')),
    hears(text, 'mid'),
  ),
  goesOn('6.2.1', 'sends characters of one to four octets', sends(frame(text, MIXED)), hears(text, MIXED)),
  goesOn(
    '6.2.2',
    'sends them in two fragments, cut between characters',
    sends(start('Grüße, '), end('κόσμε')),
    hears(text, 'Grüße, κόσμε'),
  ),
  goesOn(
    '6.2.3',
    'sends them in fragments of one octet, which cut characters',
    sends(...octetFragments(MIXED)),
    hears(text, MIXED),
  ),
  goesOn('6.2.4', 'sends them octet by octet', inOctets(1, frame(text, MIXED)), hears(text, MIXED)),
  fails('6.3.1', 'sends a surrogate between characters', 1007, sends(frame(text, SPOILT))),
  fails('6.3.2', 'sends a surrogate in fragments of one octet', 1007, sends(...octetFragments(SPOILT))),
];

/** The message has no end: who waits for it never answers. */
const withoutEnd = (section: string, does: string, ...steps: readonly Step[]): WebSocketCase => ({
  ...fails(section, does, 1007, ...steps),
  only: 'asgi',
});
const failFast = [
  withoutEnd(
    '6.4.1',
    'sends a surrogate in the second of fragments that do not end',
    sends(start(HONEST), middle(bytes('eda080'))),
  ),
  withoutEnd(
    '6.4.2',
    'sends a character above U+10FFFF in fragments that do not end',
    sends(start(HONEST), middle(bytes('f4')), middle(bytes('90'))),
  ),
];

const VALID: readonly [section: string, what: string, ...hex: string[]][] = [
  ['6.5', 'characters of one to four octets between letters', '6124 62', '61c2a262', '61e282ac62', '61f0a4ada262'],
  ['6.7', 'the first character of each length', '00', 'c280', 'e0a080', 'f0908080'],
  ['6.9', 'the last character of each length', '7f', 'dfbf', 'efbfbf', 'f48fbfbf'],
  ['6.11', 'the characters beside the surrogates, and the replacement character', 'ed9fbf', 'ee8080', 'efbfbd'],
  [
    '6.22',
    'characters that are none by the letter, which are legal',
    'efbfbe',
    'f09fbfbe',
    'f2afbfbf',
    'f3bfbfbe',
    'f48fbfbe',
  ],
  ['6.23', 'the specials of Unicode', 'efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf'],
];

const INVALID: readonly [section: string, what: string, ...hex: string[]][] = [
  ['6.6', 'a character that is cut', 'ce', 'cebae1', 'cebae1bd', 'cebae1bdb9cf'],
  ['6.8', 'the first sequences of five and six octets', 'f888808080', 'fc8480808080'],
  ['6.10', 'the last sequences above U+10FFFF', 'f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf'],
  ['6.11', 'the character after the last one', 'f4908080'],
  ['6.12', 'continuations of nothing', '80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf'],
  [
    '6.13',
    'beginnings of characters, each with a space behind it',
    'c020df20',
    'e020ef20',
    'f020f720',
    'f820fb20',
    'fc20fd20',
  ],
  [
    '6.14',
    'characters without their last octet',
    'c0',
    'e080',
    'f08080',
    'f8808080',
    'df',
    'efbf',
    'f7bfbf',
    'fbbfbfbf',
  ],
  ['6.15', 'several of those in a row', 'c0e080f08080f8808080'],
  ['6.16', 'octets that are in no character', 'fe', 'ff', 'fefeffff'],
  ['6.17', 'a slash that is longer than it has to be', 'c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'],
  [
    '6.18',
    'the largest that are longer than they have to be',
    'c1bf',
    'e09fbf',
    'f08fbfbf',
    'f887bfbfbf',
    'fc83bfbfbfbf',
  ],
  ['6.19', 'a zero that is longer than it has to be', 'c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'],
  ['6.20', 'single surrogates', 'eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'],
  ['6.21', 'pairs of surrogates', 'eda080edb080', 'eda080edbfbf', 'edadbfedb080', 'edae80edbfbf', 'edafbfedbfbf'],
];

const valid = VALID.flatMap(([section, what, ...all]) =>
  all.map((hex) => {
    const payload = bytes(hex);
    return goesOn(
      `${section}`,
      `sends ${what}: ${payload.toString('hex')}`,
      sends(frame(text, payload)),
      hears(text, payload),
    );
  }),
);

const invalid = INVALID.flatMap(([section, what, ...all]) =>
  all.map((hex) => fails(section, `sends ${what}: ${hex}`, 1007, sends(frame(text, bytes(hex))))),
);

/** An honest message first is answered or not, as it comes; the spoilt one never. */
const between = [
  mayHear(
    fails(
      '6',
      'sends text, then octets that are none, then text',
      1007,
      sends(frame(text, 'good'), frame(text, bytes('ff')), frame(text, 'lost')),
    ),
    message(text, 'good'),
  ),
  goesOn(
    '6',
    'sends those octets in a binary message',
    sends(frame(opcodes.binary, bytes('c328ff'))),
    hears(opcodes.binary, bytes('c328ff')),
  ),
];

export const textCases = [...whole, ...failFast, ...valid, ...invalid, ...between];
