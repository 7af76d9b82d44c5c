import { constants, deflateRawSync } from 'node:zlib';
import { fails, goesOn, hears, sends, type WebSocketCase } from '../websocket-case.ts';
import { frame, opcodes } from '../websocket-frames.ts';

const { continuation, text, binary, ping, pong } = opcodes;
/** The first reserved bit: the message is compressed (RFC 7692 section 6). */
const COMPRESSED = { reserved: 0x40 };
/** Without a context that goes on from message to message each is compressed alone, so what is heard is known. */
const OFFER = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover';

/** As RFC 7692 section 7.2.1 says: ended with an empty block, of which the last four octets stay away. */
function compressed(payload: string | Buffer): Buffer {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

const ofServer = (of: WebSocketCase): WebSocketCase => ({ ...of, only: 'server', offers: OFFER });
const ofAsgi = (of: WebSocketCase): WebSocketCase => ({ ...of, only: 'asgi', offers: OFFER });

const COMPRESSIBLE = 'the same again and again, '.repeat(4_000);
const RANDOMLESS = Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * i * 31) % 251));
const whole = (opcode: number, payload: string | Buffer): Buffer => frame(opcode, compressed(payload), COMPRESSED);
const heard = (opcode: number, payload: string | Buffer) => ({
  hears: { opcode, payload: Buffer.from(payload), ...COMPRESSED },
});
const parts = (() => {
  const bytes = compressed(COMPRESSIBLE);
  const half = bytes.length >> 1;
  return [
    frame(text, bytes.subarray(0, half), { ...COMPRESSED, isFinal: false }),
    frame(ping, 'between'),
    frame(continuation, bytes.subarray(half)),
  ];
})();

const withServer = [
  goesOn('12', 'sends compressed text', sends(whole(text, 'hello')), heard(text, 'hello')),
  goesOn('12', 'sends compressed text of 100 KB', sends(whole(text, COMPRESSIBLE)), heard(text, COMPRESSIBLE)),
  goesOn('12', 'sends compressed octets', sends(whole(binary, RANDOMLESS)), heard(binary, RANDOMLESS)),
  goesOn(
    '12',
    'sends 100 compressed messages at once',
    sends(...Array.from({ length: 100 }, (_, i) => whole(text, `message ${i}`))),
    ...Array.from({ length: 100 }, (_, i) => heard(text, `message ${i}`)),
  ),
  goesOn(
    '13',
    'sends a compressed message in fragments, a ping between',
    sends(...parts),
    {
      hears: { opcode: pong, payload: Buffer.from('between') },
    },
    heard(text, COMPRESSIBLE),
  ),
  goesOn('13', 'sends a message that is not compressed', sends(frame(text, 'plain')), heard(text, 'plain')),
  fails('13', 'sends a compressed ping', 1002, sends(frame(ping, '', COMPRESSED))),
  fails('13', 'sets another reserved bit', 1002, sends(frame(text, 'x', { reserved: 0x20 }))),
].map(ofServer);

const withAsgi = [
  goesOn('12', 'sends text that is not compressed', sends(frame(text, 'hello')), hears(text, 'hello')),
  fails('12', 'sends compressed text all the same', 1002, sends(whole(text, 'hello'))),
].map(ofAsgi);

export const compressedCases = [...withServer, ...withAsgi];
