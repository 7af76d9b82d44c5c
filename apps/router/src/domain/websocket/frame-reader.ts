/** Largest message, all its fragments together, as it is on the wire: compressed, if it is compressed. */
export const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;

/** Why a connection has to end, as its close frame says it (RFC 6455 section 7.4.1). */
export interface Fault {
  readonly code: 1002 | 1009;
  readonly why: string;
}

export interface FrameRules {
  /** Frames of clients are masked, those of servers are not. */
  readonly isMasked: boolean;
  /** The bits of the first byte that an extension may set; 0 without one. */
  readonly extensionBits: number;
}

const NOTHING = Buffer.alloc(0);
const RESERVED_BITS = 0x70;
const CONTROL = 8;
const CLOSE = 8;
/** Continuation, text, binary, close, ping, pong. */
const OPCODES = 0b0000_0111_0000_0111;
const CONTROL_BYTES_MAX = 125;

/**
 * Follows the frames of one direction, however their bytes are cut. Of payloads it only counts; what may go on it says,
 * so that no header goes on before all of it has come and is in order.
 */
export class FrameReader {
  readonly #rules: FrameRules;
  /** A header of which a part has come. */
  #held = NOTHING;
  /** Of the mask and the payload of the frame at hand. */
  #left = 0;
  #isClose = false;
  #isFragmented = false;
  #messageBytes = 0;
  #fault: Fault | undefined;
  #hasClosed = false;
  #isStopping = false;

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  /** Set once: nothing more may go on. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** A close frame has gone by; what follows it is no part of the conversation (RFC 6455 section 5.5.1). */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** Whether what has gone on ends with a whole frame. */
  get isBetweenFrames(): boolean {
    return this.#left === 0;
  }

  /** Nothing goes on any more once the frame at hand is whole. */
  stop(): void {
    this.#isStopping = true;
  }

  /**
   * Reads what has come next; `pass` gets what may go on, in order: the beginning of a header that came earlier, which is
   * the one thing that is copied, and a part of `bytes`.
   */
  read(bytes: Buffer, length: number, pass: (bytes: Buffer) => void): void {
    let at = 0;
    let mayPass = 0;
    while (at < length && !this.#isOver) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, length - at);
        this.#left -= skipped;
        at += skipped;
        mayPass = at;
        if (this.#left === 0) this.#hasClosed = this.#isClose;
        continue;
      }
      const held = this.#held;
      const header = held.length > 0 ? Buffer.concat([held, bytes.subarray(at, Math.min(length, at + 10))]) : undefined;
      const size = header ? this.#readHeader(header, 0, header.length) : this.#readHeader(bytes, at, length);
      if (size === 0) {
        // Less than a header is left.
        if (!this.#fault) this.#held = header ?? Buffer.from(bytes.subarray(at, length));
        break;
      }
      this.#held = NOTHING;
      if (held.length > 0) pass(held);
      at += size - held.length;
      mayPass = at;
    }
    if (mayPass > 0) pass(bytes.subarray(0, mayPass));
  }

  get #isOver(): boolean {
    return this.#hasClosed || this.#fault !== undefined || (this.#isStopping && this.#left === 0);
  }

  /** The size of the header that begins at `at`; 0 when it is not all there, or has a fault. */
  #readHeader(bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return 0;
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    const short = second & 0x7f;
    this.#fault = this.#faultOf(first, second);
    const size = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (this.#fault || end - at < size) return 0;
    const payload = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? longSize(bytes, at + 2) : short;
    this.#fault = this.#count(first, payload);
    if (this.#fault) return 0;
    this.#isClose = (first & 0x0f) === CLOSE;
    this.#left = payload + (this.#rules.isMasked ? 4 : 0);
    this.#hasClosed = this.#isClose && this.#left === 0;
    return size;
  }

  #faultOf(first: number, second: number): Fault | undefined {
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    if (((OPCODES >> opcode) & 1) === 0) return malformed('unknown opcode');
    if ((first & RESERVED_BITS & ~this.#rules.extensionBits) !== 0) return malformed('reserved bits are set');
    if (((second & 0x80) !== 0) !== this.#rules.isMasked)
      return malformed(this.#rules.isMasked ? 'frame is not masked' : 'frame is masked');
    if (opcode >= CONTROL)
      return isFinal && (second & 0x7f) <= CONTROL_BYTES_MAX
        ? undefined
        : malformed('control frame is fragmented or too long');
    return (opcode === 0) === this.#isFragmented ? undefined : malformed('fragment out of order');
  }

  /** Adds a frame to its message. */
  #count(first: number, payload: number): Fault | undefined {
    if (payload < 0) return malformed('length has more than 63 bits');
    if ((first & 0x0f) >= CONTROL) return undefined;
    const bytes = this.#messageBytes + payload;
    if (bytes > MESSAGE_BYTES_MAX) return { code: 1009, why: 'message is too big' };
    this.#isFragmented = (first & 0x80) === 0;
    this.#messageBytes = this.#isFragmented ? bytes : 0;
    return undefined;
  }
}

function malformed(why: string): Fault {
  return { code: 1002, why };
}

/** Negative when the highest bit is set, which it must not be; sizes that can't be counted exactly are above any limit. */
function longSize(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
