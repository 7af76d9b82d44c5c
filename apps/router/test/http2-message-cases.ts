import {
  COMPRESSION,
  c,
  differs,
  type Http2Case,
  INTERNAL,
  MALFORMED,
  OK,
  request,
  WHOLE,
  without,
} from './http2-case.ts';
import { block, data, flags, frame, get, post, pseudo, types } from './http2-frames.ts';

const { HEADERS } = types;
const { END_HEADERS } = flags;
/** A request whose header block ends with these bytes. */
const coded = (...bytes: readonly number[]): Buffer =>
  frame(HEADERS, WHOLE, 1, Buffer.concat([block(...pseudo()), Buffer.from(bytes)]));

const messages: readonly Http2Case[] = [
  c(
    '8.1',
    'sends a request with trailers',
    OK,
    post(1),
    data(1, 'a', false),
    frame(HEADERS, WHOLE, 1, block(['x', 'y'])),
  ),
  c(
    '8.1',
    'sends trailers that do not end the request',
    MALFORMED,
    post(1),
    data(1, 'a', false),
    frame(HEADERS, END_HEADERS, 1, block(['x', 'y'])),
  ),
  c('8.1.1', 'sends less than its Content-Length says', MALFORMED, post(1, ['content-length', '2']), data(1, 'a')),
  differs(
    '8.1.1',
    'sends more than its Content-Length says',
    MALFORMED,
    INTERNAL,
    post(1, ['content-length', '1']),
    data(1, 'a', false),
    data(1, 'b'),
  ),
  c('8.1.1', 'sends no body after a Content-Length', MALFORMED, get(1, ['content-length', '1'])),
  c('8.1.1', 'says two lengths', MALFORMED, post(1, ['content-length', '1'], ['content-length', '2']), data(1, 'a')),
  c('8.2.1', 'writes a field name in upper case', MALFORMED, get(1, ['X-Test', 'a'])),
  differs('8.2.1', 'has a space in a field name', MALFORMED, OK, get(1, ['x test', 'a'])),
  differs('8.2.1', 'has a colon in a field name', MALFORMED, OK, get(1, ['x:test', 'a'])),
  differs('8.2.1', 'has an empty field name', MALFORMED, OK, get(1, ['', 'a'])),
  differs('8.2.1', 'has a NUL in a field value', MALFORMED, OK, get(1, ['x', 'a\0b'])),
  differs('8.2.1', 'has a CR in a field value', MALFORMED, OK, get(1, ['x', 'a\rb'])),
  differs('8.2.1', 'has a LF in a field value', MALFORMED, OK, get(1, ['x', 'a\nb'])),
  differs('8.2.1', 'begins a field value with a space', MALFORMED, OK, get(1, ['x', ' a'])),
  differs('8.2.1', 'ends a field value with a tab', MALFORMED, OK, get(1, ['x', 'a\t'])),
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((name) =>
    c('8.2.2', `sends ${name}`, MALFORMED, get(1, [name, 'x'])),
  ),
  c('8.2.2', 'sends te: trailers', OK, get(1, ['te', 'trailers'])),
  c('8.2.2', 'sends te with another value', MALFORMED, get(1, ['te', 'gzip'])),
  c('8.2.3', 'cuts a cookie in two', OK, get(1, ['cookie', 'a=1'], ['cookie', 'b=2'])),
  c('8.3', 'sends an unknown pseudo-header field', MALFORMED, request(...pseudo(), [':unknown', 'x'])),
  c('8.3', 'sends :status in a request', MALFORMED, request(...pseudo(), [':status', '200'])),
  c(
    '8.3',
    'sends a pseudo-header field behind another field',
    MALFORMED,
    request(...without(':path'), ['x', 'y'], [':path', '/']),
  ),
  c(
    '8.3',
    'sends a pseudo-header field in trailers',
    MALFORMED,
    post(1),
    data(1, 'a', false),
    frame(HEADERS, WHOLE, 1, block([':method', 'GET'])),
  ),
  ...[':method', ':scheme', ':path'].map((name) =>
    c('8.3.1', `leaves out ${name}`, MALFORMED, request(...without(name))),
  ),
  ...[':method', ':scheme', ':path', ':authority'].map((name) =>
    c(
      '8.3.1',
      `sends ${name} twice`,
      MALFORMED,
      request(...pseudo(), [name, pseudo().find(([field]) => field === name)?.[1] ?? '']),
    ),
  ),
  c('8.3.1', 'sends an empty :path', MALFORMED, request(...without(':path'), [':path', ''])),
  c('8.3.1', 'sends a :path without a slash', MALFORMED, request(...without(':path'), [':path', 'a'])),
  c('8.3.1', 'sends * as :path with OPTIONS', OK, request(...pseudo('OPTIONS', '*'))),
  c('8.3.1', 'names no host at all', MALFORMED, request(...without(':authority'))),
  c('8.3.1', 'names its host in Host alone', OK, request(...without(':authority'), ['host', pseudo()[3]?.[1] ?? ''])),
  c('8.3.1', 'names another host in Host', 'answered with 400', get(1, ['host', 'other.localhost'])),
  c(
    '8.5',
    'asks for a tunnel with CONNECT',
    'answered with 400',
    request([':method', 'CONNECT'], [':authority', 'a.localhost:1']),
  ),
  c('8.5', 'asks for a tunnel with a :path', MALFORMED, request(...pseudo('CONNECT'))),
  c('RFC 8441, 4', 'sends :protocol without CONNECT', MALFORMED, request(...pseudo(), [':protocol', 'websocket'])),
];

const compression: readonly Http2Case[] = [
  c('RFC 7541, 2.3.3', 'uses an index beyond the tables', COMPRESSION, coded(0xff, 0x00)),
  c('RFC 7541, 4.2', 'changes the size of the table behind fields', COMPRESSION, coded(0x20)),
  c(
    'RFC 7541, 5.2',
    'pads a Huffman string with more than 7 bits',
    COMPRESSION,
    coded(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff),
  ),
  c(
    'RFC 7541, 5.2',
    'pads a Huffman string with zeros',
    COMPRESSION,
    coded(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90),
  ),
  c(
    'RFC 7541, 5.2',
    'has the end of string in a Huffman string',
    COMPRESSION,
    coded(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f),
  ),
  c('RFC 7541, 6.1', 'uses index 0', COMPRESSION, coded(0x80)),
  c(
    'RFC 7541, 6.3',
    'makes the table larger than it may be',
    COMPRESSION,
    frame(HEADERS, WHOLE, 1, Buffer.concat([Buffer.from([0x3f, 0xe1, 0xff, 0x3f]), block(...pseudo())])),
  ),
];

/** What can be wrong with requests and their header blocks. */
export const messageCases: readonly Http2Case[] = [...messages, ...compression];
