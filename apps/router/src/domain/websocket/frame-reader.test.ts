import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeFrame } from './close-frame.ts';
import { extensionBits } from './extension-bits.ts';
import { FrameReader, MESSAGE_BYTES_MAX } from './frame-reader.ts';

interface Frame {
  readonly first: number;
  readonly size: number;
  readonly isMasked?: boolean;
  /** The length is written in this many bytes more than it needs at most. */
  readonly sizeBytes?: 0 | 2 | 8;
}

/** A frame with a payload of bytes that look like headers. */
function frame({ first, size, isMasked = true, sizeBytes }: Frame): Buffer {
  const extra = sizeBytes ?? (size < 126 ? 0 : size < 65_536 ? 2 : 8);
  const head = Buffer.alloc(2 + extra + (isMasked ? 4 : 0), 0x88);
  head[0] = first;
  head[1] = (isMasked ? 0x80 : 0) | (extra === 0 ? size : extra === 2 ? 126 : 127);
  if (extra === 2) head.writeUInt16BE(size, 2);
  if (extra === 8) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, Buffer.alloc(size, 0x88)]);
}

/** What goes on of bytes that come in pieces, in a buffer that is overwritten each time; and the fault. */
function pass(bytes: Buffer, sizeOf: () => number, isMasked = true, bits = 0) {
  const reader = new FrameReader({ isMasked, extensionBits: bits });
  const buffer = Buffer.alloc(70_000);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = Math.min(sizeOf(), bytes.length - at, buffer.length);
    buffer.fill(0xff);
    bytes.copy(buffer, 0, at, at + size);
    reader.read(buffer, size, (part) => void parts.push(Buffer.from(part)));
    at += size;
  }
  return { through: Buffer.concat(parts), fault: reader.fault, reader };
}

const whole = (): number => 70_000;
const faultOf = (frames: readonly Frame[], isMasked = true, bits = 0): string => {
  const { fault, through } = pass(Buffer.concat(frames.map(frame)), whole, isMasked, bits);
  const good = Buffer.concat(frames.slice(0, -1).map(frame));
  if (fault) assert.ok(through.equals(good), 'all before the bad frame goes on, and nothing of it');
  return fault ? `${fault.code} ${fault.why}` : 'fine';
};

const MAX = MESSAGE_BYTES_MAX;
const table: [name: string, frames: Frame[], outcome: string, isMasked?: boolean, bits?: number][] = [
  ['a text', [{ first: 0x81, size: 5 }], 'fine'],
  ['a length in more bytes than it needs', [{ first: 0x82, size: 5, sizeBytes: 8 }], 'fine'],
  ['the largest message', [{ first: 0x82, size: MAX }], 'fine'],
  ['one byte more', [{ first: 0x82, size: MAX + 1 }], '1009 message is too big'],
  [
    'one byte more in three fragments with a ping between them',
    [
      { first: 0x02, size: MAX / 2 },
      { first: 0x89, size: 125 },
      { first: 0x00, size: MAX / 2 },
      { first: 0x80, size: 1 },
    ],
    '1009 message is too big',
  ],
  [
    'two of the largest, one after the other',
    [
      { first: 0x82, size: MAX },
      { first: 0x02, size: MAX },
      { first: 0x80, size: 0 },
    ],
    'fine',
  ],
  ['one byte more of a server', [{ first: 0x82, size: MAX + 1, isMasked: false }], '1009 message is too big', false],
  ['a client without a mask', [{ first: 0x81, size: 5, isMasked: false }], '1002 frame is not masked'],
  ['a server with a mask', [{ first: 0x81, size: 5 }], '1002 frame is masked', false],
  ...[0x40, 0x20, 0x10].map((bit): [string, Frame[], string] => [
    `reserved bit ${bit} without an extension`,
    [{ first: 0x81 | bit, size: 5 }],
    '1002 reserved bits are set',
  ]),
  ['the bit of compression', [{ first: 0xc1, size: 5 }], 'fine', true, 0x40],
  ['another bit beside compression', [{ first: 0xa1, size: 5 }], '1002 reserved bits are set', true, 0x40],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Frame[], string] => [
    `opcode ${opcode}`,
    [
      { first: 0x81, size: 3 },
      { first: 0x80 | opcode, size: 0 },
    ],
    '1002 unknown opcode',
  ]),
  ['a ping of 125 bytes', [{ first: 0x89, size: 125 }], 'fine'],
  ['a ping of 126 bytes', [{ first: 0x89, size: 126 }], '1002 control frame is fragmented or too long'],
  ['a fragmented ping', [{ first: 0x09, size: 1 }], '1002 control frame is fragmented or too long'],
  ['a fragment of nothing', [{ first: 0x80, size: 1 }], '1002 fragment out of order'],
  [
    'a message within another',
    [
      { first: 0x01, size: 1 },
      { first: 0x81, size: 1 },
    ],
    '1002 fragment out of order',
  ],
];

for (const [name, frames, outcome, isMasked, bits] of table)
  test(`${name}: ${outcome}`, () => assert.equal(faultOf(frames, isMasked, bits), outcome));

test('a length of 64 bits is malformed, and one just below is too big', () => {
  const size = (first: number) => Buffer.from([0x82, 0xff, first, 0, 0, 0, 0, 0, 0, 1]);
  assert.equal(pass(size(0x80), whole).fault?.code, 1002);
  assert.equal(pass(size(0x7f), whole).fault?.code, 1009);
});

test('nothing goes on after a close frame', () => {
  const close = frame({ first: 0x88, size: 2 });
  const { through, reader } = pass(Buffer.concat([close, Buffer.from([0xff, 0xff, 0xff])]), whole);
  assert.deepEqual([through.equals(close), reader.hasClosed, reader.fault], [true, true, undefined]);
});

test('a reader that is stopped lets the frame at hand end', () => {
  const reader = new FrameReader({ isMasked: false, extensionBits: 0 });
  const bytes = frame({ first: 0x82, size: 100, isMasked: false });
  let through = 0;
  const count = (part: Buffer): void => {
    through += part.length;
  };
  reader.read(bytes, 50, count);
  reader.stop();
  assert.equal(reader.isBetweenFrames, false);
  reader.read(Buffer.concat([bytes.subarray(50), bytes]), 52 + bytes.length, count);
  assert.deepEqual([through, reader.isBetweenFrames], [bytes.length, true]);
});

/** Reproducible: a failure names the seed. */
function randoms(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

test('however frames are cut into pieces, the same bytes go on and the same fault is found', () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = randoms(seed);
    const isMasked = random(2) === 0;
    const bits = random(3) === 0 ? 0x40 : 0;
    const sizes = [0, 1, 2, 125, 126, 127, 400, 65_535, 65_536];
    const opcodes = [0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a, 0xc1, 0x88, 0x83, 0x09];
    const frames = Array.from({ length: 1 + random(6) }, () =>
      frame({
        first: opcodes[random(opcodes.length)] ?? 0x81,
        size: sizes[random(seed % 10 === 0 ? sizes.length : 7)] ?? 0,
        isMasked: random(40) === 0 ? !isMasked : isMasked,
      }),
    );
    const bytes = Buffer.concat(frames);
    const expected = pass(bytes, whole, isMasked, bits);
    const most = [1, 3, 20, 5_000][random(4)] ?? 1;
    const cut = pass(bytes, () => 1 + random(bytes.length > 10_000 ? 5_000 : most), isMasked, bits);
    assert.ok(cut.through.equals(expected.through), `seed ${seed}`);
    assert.deepEqual([cut.fault, cut.reader.hasClosed], [expected.fault, expected.reader.hasClosed], `seed ${seed}`);
    assert.ok(bytes.subarray(0, cut.through.length).equals(cut.through), `seed ${seed}: what goes on is what came`);
    if (!cut.fault && !cut.reader.hasClosed) assert.equal(cut.through.length, bytes.length, `seed ${seed}`);
  }
});

test('the bits that an extension may set follow from what the server accepted', () => {
  const accepted = (value: string): number => extensionBits(`server: x\r\nSec-WebSocket-Extensions: ${value}\r\n`);
  assert.equal(extensionBits('server: permessage-deflate\r\n'), 0);
  assert.equal(accepted('permessage-deflate; client_max_window_bits=15'), 0x40);
  assert.equal(accepted('x-own'), 0x70);
  assert.equal(accepted(''), 0);
});

test('a close frame of our own is one that the reader takes', () => {
  const fault = { code: 1009, why: 'message is too big' } as const;
  for (const isMasked of [true, false]) {
    const { reader, through } = pass(closeFrame(fault, isMasked), whole, isMasked);
    assert.deepEqual([reader.hasClosed, reader.fault], [true, undefined]);
    assert.deepEqual(through.subarray(isMasked ? 6 : 2), Buffer.from('\x03\xf1message is too big', 'latin1'));
  }
});
