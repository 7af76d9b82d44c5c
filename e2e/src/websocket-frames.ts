import { randomBytes } from 'node:crypto';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame (RFC 6455 section 5.2). */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** More of its message follows. */
  readonly isPart?: true;
  /** The reserved bits that are set, if any are, as they are in the first octet. */
  readonly reserved?: number;
}

export interface FrameOptions {
  readonly isFinal?: boolean;
  /** The reserved bits, as they are in the first octet. */
  readonly reserved?: number;
}

/** A frame as a client sends it: masked. */
export function frame(
  opcode: number,
  payload: string | Buffer = '',
  { isFinal = true, reserved = 0 }: FrameOptions = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const head = [(isFinal ? 0x80 : 0) | reserved | opcode];
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(bytes.length));
  if (bytes.length < 126) head.push(0x80 | bytes.length);
  else if (bytes.length < 65_536) head.push(0x80 | 126, ...size.subarray(6));
  else head.push(0x80 | 127, ...size);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from(head), mask, bytes.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

/** The frame that the bytes begin with, as a server sends it: not masked. Undefined if it is not all there. */
export function readFrame(bytes: Buffer): { frame: Frame; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes[0] ?? 0;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + size) return undefined;
  const reserved = first & 0x70;
  return {
    frame: {
      opcode: first & 0x0f,
      payload: Buffer.from(bytes.subarray(start, start + size)),
      ...(first & 0x80 ? {} : { isPart: true as const }),
      ...(reserved ? { reserved } : {}),
    },
    length: start + size,
  };
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

/** The code of a close frame; 1005, which no frame carries, for one without. */
export function closeCode({ payload }: Frame): number {
  return payload.length === 0 ? 1005 : payload.readUInt16BE(0);
}
