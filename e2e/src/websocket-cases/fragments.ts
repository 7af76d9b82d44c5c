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

const { continuation, text, binary, ping, pong } = opcodes;
const start = (payload: string, opcode: number = text): Buffer => frame(opcode, payload, { isFinal: false });
const middle = (payload: string): Buffer => frame(continuation, payload, { isFinal: false });
const end = (payload: string): Buffer => frame(continuation, payload);

/** The same frames at once, frame by frame, octet by octet. */
const WAYS: readonly [name: string, write: (...frames: Buffer[]) => Step[]][] = [
  ['at once', (...frames) => [sends(...frames)]],
  ['frame by frame', (...frames) => frames.map((each) => sends(each))],
  ['octet by octet', (...frames) => [inOctets(1, ...frames)]],
];

const inEachWay = (
  first: number,
  make: (section: string, how: string, write: (...frames: Buffer[]) => Step[]) => WebSocketCase,
): WebSocketCase[] => WAYS.map(([how, write], i) => make(`5.${first + i}`, how, write));

const twoParts = [start('first, '), end('second')];
const whole = hears(text, 'first, second');
const pingBetween = [start('first, '), frame(ping, 'between'), end('second')];

const legal = [
  ...inEachWay(3, (section, how, write) =>
    goesOn(section, `sends a message in two fragments, ${how}`, ...write(...twoParts), whole),
  ),
  ...inEachWay(6, (section, how, write) =>
    goesOn(section, `pings between two fragments, ${how}`, ...write(...pingBetween), hears(pong, 'between'), whole),
  ),
  ...(['at once', 'frame by frame'] as const).map((how, i) => {
    const write = WAYS[i]?.[1] ?? (() => []);
    return goesOn(
      `5.${19 + i}`,
      `sends five fragments with two pings, each answered before the message ends, ${how}`,
      ...write(start('one '), middle('two '), frame(ping, 'ping 1')),
      hears(pong, 'ping 1'),
      ...write(middle('three '), middle('four '), frame(ping, 'ping 2')),
      hears(pong, 'ping 2'),
      ...write(end('five')),
      hears(text, 'one two three four five'),
    );
  }),
  goesOn(
    '5',
    'sends fragments without a payload',
    sends(start(''), middle(''), end('')),
    hears(text, ''),
    sends(start('', binary), middle('some'), end('')),
    hears(binary, 'some'),
  ),
];

const nothingToContinue = (isFinal: boolean, first: number): WebSocketCase[] =>
  inEachWay(first, (section, how, write) =>
    fails(
      section,
      `continues a message that has not begun${isFinal ? '' : ', and not to its end'}, ${how}`,
      1002,
      ...write(isFinal ? end('continued') : middle('continued'), frame(text, 'hello')),
    ),
  );

const illegal = [
  fails('5.1', 'sends a ping in two fragments', 1002, sends(start('pi', ping), end('ng'))),
  fails('5.2', 'sends a pong in two fragments', 1002, sends(start('po', pong), end('ng'))),
  ...nothingToContinue(true, 9),
  ...nothingToContinue(false, 12),
  mayHear(
    fails(
      '5.15',
      'continues a message that has ended',
      1002,
      sends(...twoParts, middle('third'), frame(text, 'hello')),
    ),
    message(text, 'first, second'),
  ),
  fails('5.16', 'continues what has not begun, then sends two fragments', 1002, sends(middle('none'), ...twoParts)),
  fails('5.17', 'ends what has not begun, then sends two fragments', 1002, sends(end('none'), ...twoParts)),
  fails('5.18', 'begins a message inside of another one', 1002, sends(start('first'), frame(text, 'second'))),
  fails('5.18', 'begins a binary message inside of text', 1002, sends(start('first'), start('second', binary))),
];

export const fragmentCases = [...legal, ...illegal];
