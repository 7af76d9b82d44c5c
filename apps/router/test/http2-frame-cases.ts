import {
  bare,
  CLOSED,
  COMPRESSION,
  c,
  differs,
  FLOW,
  GOES_ON,
  type Http2Case,
  INTERNAL,
  OK,
  PROTOCOL,
  SIZE,
  WHOLE,
} from './http2-case.ts';
import { block, data, flags, frame, get, PREFACE, post, pseudo, setting, types, uint32 } from './http2-frames.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } =
  types;
const { ACK, END_STREAM, END_HEADERS, PADDED } = flags;
/** The head of a request whose header block has not ended. */
const begun = frame(HEADERS, END_STREAM, 1, block(...pseudo()));
const reset = frame(RST_STREAM, 0, 1, uint32(8));

const starting: readonly Http2Case[] = [
  {
    ...bare('3.4', 'sends a preface that is none after its first line', INTERNAL, 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'),
    asked: PROTOCOL,
  },
  bare('3.4', 'sends a PING before its SETTINGS', PROTOCOL, PREFACE, frame(PING, 0, 0, '12345678')),
  c('3.4', 'sends a request at once', OK, get(1)),
];

const frames: readonly Http2Case[] = [
  c('4.1', 'sends a frame of an unknown type', GOES_ON, frame(0x16, 0, 0, 'whatever')),
  c('4.1', 'sets flags that mean nothing', GOES_ON, frame(PING, 0x16, 0, '12345678')),
  c('4.1', 'sets the reserved bit', GOES_ON, frame(PING, 0, 0x8000_0000, '12345678')),
  c('4.2', 'sends a DATA frame of the largest size', OK, post(1), data(1, Buffer.alloc(16_384, 'a'))),
  c('4.2', 'sends a DATA frame that is too large', SIZE, post(1), data(1, Buffer.alloc(16_385, 'a'))),
  c('4.2', 'sends a HEADERS frame that is too large', SIZE, get(1, ['x', 'a'.repeat(17_000)])),
  c('4.3', 'sends a header block that can not be decoded', COMPRESSION, frame(HEADERS, WHOLE, 1, '\x40')),
  c('4.3', 'sends a PRIORITY frame inside of a header block', PROTOCOL, begun, frame(PRIORITY, 0, 1, Buffer.alloc(5))),
  c('4.3', 'begins another stream inside of a header block', PROTOCOL, begun, get(3)),
  c('5.5', 'sends a frame of an unknown type inside of a header block', PROTOCOL, begun, frame(0x16, 0, 1, 'x')),
];

const streams: readonly Http2Case[] = [
  c('5.1', 'sends DATA on an idle stream', PROTOCOL, data(1, 'a')),
  c('5.1', 'resets an idle stream', PROTOCOL, reset),
  c('5.1', 'opens the window of an idle stream', PROTOCOL, frame(WINDOW_UPDATE, 0, 1, uint32(1))),
  c('5.1', 'continues a header block on an idle stream', PROTOCOL, frame(CONTINUATION, WHOLE, 1, block(...pseudo()))),
  c('5.1', 'sends DATA after the end of its request', CLOSED, get(1), data(1, 'a')),
  c('5.1', 'sends HEADERS after the end of its request', CLOSED, get(1), get(1)),
  c('5.1', 'continues a header block after the end of its request', PROTOCOL, get(1), frame(CONTINUATION, 4, 1, '')),
  differs(
    '5.1',
    'sends DATA on a stream that it has reset',
    'stream error STREAM_CLOSED',
    GOES_ON,
    post(1),
    reset,
    data(1, ''),
  ),
  differs(
    '5.1',
    'sends HEADERS on a stream that it has reset',
    'stream error STREAM_CLOSED',
    GOES_ON,
    post(1),
    reset,
    get(1),
  ),
  c(
    '5.1',
    'opens the window of a stream that it has reset',
    GOES_ON,
    post(1),
    reset,
    frame(WINDOW_UPDATE, 0, 1, uint32(1)),
  ),
  c('5.1', 'resets a stream twice', GOES_ON, post(1), reset, reset),
  c('5.1.1', 'begins a stream with an even number', PROTOCOL, get(2)),
  differs('5.1.1', 'begins a stream with a number below another one', PROTOCOL, OK, get(5), get(3)),
  c(
    '5.1.2',
    'has more streams open than are allowed',
    'stream error REFUSED_STREAM',
    ...Array.from({ length: 9 }, (_, i) => post(2 * i + 1)),
  ),
];

const framesByType: readonly Http2Case[] = [
  c('6.1', 'sends DATA on stream 0', PROTOCOL, data(0, 'a')),
  c('6.1', 'pads DATA', OK, post(1), frame(DATA, END_STREAM | PADDED, 1, '\x02ab\0\0')),
  c('6.1', 'pads DATA with more than the frame has', PROTOCOL, post(1), frame(DATA, END_STREAM | PADDED, 1, '\x06a')),
  c('6.2', 'sends HEADERS on stream 0', PROTOCOL, get(0)),
  c(
    '6.2',
    'pads HEADERS, with a priority',
    OK,
    frame(
      HEADERS,
      WHOLE | PADDED | flags.PRIORITY,
      1,
      Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 10]), block(...pseudo()), Buffer.alloc(2)]),
    ),
  ),
  c(
    '6.2',
    'pads HEADERS with more than the frame has',
    PROTOCOL,
    frame(HEADERS, WHOLE | PADDED, 1, Buffer.concat([Buffer.from([200]), block(...pseudo())])),
  ),
  c('6.3', 'sends a PRIORITY frame on an idle stream', GOES_ON, frame(PRIORITY, 0, 1, Buffer.alloc(5))),
  differs('6.3', 'sends a PRIORITY frame on stream 0', PROTOCOL, GOES_ON, frame(PRIORITY, 0, 0, Buffer.alloc(5))),
  c('6.3', 'sends a PRIORITY frame of another size than 5', SIZE, post(1), frame(PRIORITY, 0, 1, Buffer.alloc(4))),
  c('6.4', 'resets stream 0', PROTOCOL, frame(RST_STREAM, 0, 0, uint32(8))),
  c('6.4', 'sends an RST_STREAM frame of another size than 4', SIZE, post(1), frame(RST_STREAM, 0, 1, 'abc')),
  c('6.5', 'acknowledges SETTINGS with a payload', SIZE, frame(SETTINGS, ACK, 0, setting(3, 1))),
  c('6.5', 'sends SETTINGS on a stream', PROTOCOL, frame(SETTINGS, 0, 1, setting(3, 1))),
  c('6.5', 'sends SETTINGS whose size is no multiple of 6', SIZE, frame(SETTINGS, 0, 0, 'abc')),
  c('6.5.2', 'sets ENABLE_PUSH to 2', PROTOCOL, frame(SETTINGS, 0, 0, setting(2, 2))),
  c('6.5.2', 'sets INITIAL_WINDOW_SIZE above 2^31-1', FLOW, frame(SETTINGS, 0, 0, setting(4, 2 ** 31))),
  c('6.5.2', 'sets MAX_FRAME_SIZE below 16384', PROTOCOL, frame(SETTINGS, 0, 0, setting(5, 16_383))),
  c('6.5.2', 'sets MAX_FRAME_SIZE above 2^24-1', PROTOCOL, frame(SETTINGS, 0, 0, setting(5, 2 ** 24))),
  c('6.5.2', 'sends an unknown setting', GOES_ON, frame(SETTINGS, 0, 0, setting(0xff, 1))),
  c(
    '6.6',
    'promises a push',
    PROTOCOL,
    post(1),
    frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), block(...pseudo())])),
  ),
  differs('6.7', 'sends a PING that is an answer', GOES_ON, INTERNAL, frame(PING, ACK, 0, '12345678')),
  c('6.7', 'sends a PING on a stream', PROTOCOL, frame(PING, 0, 1, '12345678')),
  c('6.7', 'sends a PING of another size than 8', SIZE, frame(PING, 0, 0, '123456')),
  c('6.8', 'sends GOAWAY on a stream', PROTOCOL, frame(GOAWAY, 0, 1, Buffer.alloc(8))),
  differs(
    '6.9',
    'opens the window of a stream by 0',
    'stream error PROTOCOL_ERROR',
    PROTOCOL,
    post(1),
    frame(WINDOW_UPDATE, 0, 1, uint32(0)),
  ),
  c('6.9', 'opens the window of the connection by 0', PROTOCOL, frame(WINDOW_UPDATE, 0, 0, uint32(0))),
  c('6.9', 'sends a WINDOW_UPDATE frame of another size than 4', SIZE, frame(WINDOW_UPDATE, 0, 0, 'abc')),
  c('6.9.1', 'opens the window of the connection beyond 2^31-1', FLOW, frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1))),
  differs(
    '6.9.1',
    'opens the window of a stream beyond 2^31-1',
    'stream error FLOW_CONTROL_ERROR',
    FLOW,
    post(1),
    frame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1)),
  ),
  c(
    '6.9.2',
    'changes INITIAL_WINDOW_SIZE so that a window grows beyond 2^31-1',
    FLOW,
    post(1),
    frame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1 - 65_535)),
    frame(SETTINGS, 0, 0, setting(4, 65_536)),
  ),
  c(
    '6.10',
    'cuts a header block in three',
    OK,
    begun,
    frame(CONTINUATION, 0, 1, block(['x', 'y'])),
    frame(CONTINUATION, END_HEADERS, 1, block(['z', 'y'])),
  ),
  c('6.10', 'continues a header block on another stream', PROTOCOL, begun, frame(CONTINUATION, END_HEADERS, 3, '')),
  c('6.10', 'continues a header block on stream 0', PROTOCOL, begun, frame(CONTINUATION, END_HEADERS, 0, '')),
  c(
    '6.10',
    'continues a header block that has ended',
    PROTOCOL,
    post(1),
    frame(CONTINUATION, END_HEADERS, 1, block(['x', 'y'])),
  ),
  c(
    '6.10',
    'continues after DATA',
    PROTOCOL,
    post(1),
    data(1, 'a', false),
    frame(CONTINUATION, END_HEADERS, 1, block(['x', 'y'])),
  ),
];

/** What can be wrong with frames, streams and their order. */
export const frameCases: readonly Http2Case[] = [...starting, ...frames, ...streams, ...framesByType];
