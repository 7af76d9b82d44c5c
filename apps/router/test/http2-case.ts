import { block, flags, frame, pseudo, types } from './http2-frames.ts';

/** What a client does on a fresh connection after the preface, and what the router makes of it. */
export interface Http2Case {
  /** RFC 9113 unless another is named. */
  readonly section: string;
  readonly does: string;
  readonly sends: readonly (Buffer | string)[];
  readonly outcome: string;
  /** It begins with these bytes rather than with the preface and its SETTINGS. */
  readonly isBare?: true;
  /** What the section asks for, where the outcome is another one. */
  readonly asked?: string;
}

export const WHOLE = flags.END_HEADERS | flags.END_STREAM;
export const OK = 'answered with 200';
export const GOES_ON = 'goes on';
export const PROTOCOL = 'connection error PROTOCOL_ERROR';
export const INTERNAL = 'connection error INTERNAL_ERROR';
export const SIZE = 'connection error FRAME_SIZE_ERROR';
export const CLOSED = 'connection error STREAM_CLOSED';
export const FLOW = 'connection error FLOW_CONTROL_ERROR';
export const COMPRESSION = 'connection error COMPRESSION_ERROR';
/** A request that is malformed (RFC 9113 section 8.1.1). */
export const MALFORMED = 'stream error PROTOCOL_ERROR';

export function c(section: string, does: string, outcome: string, ...sends: readonly (Buffer | string)[]): Http2Case {
  return { section, does, sends, outcome };
}

/** A case whose outcome is not the one that the section asks for. */
export function differs(
  section: string,
  does: string,
  asked: string,
  outcome: string,
  ...sends: readonly (Buffer | string)[]
): Http2Case {
  return { section, does, sends, outcome, asked };
}

/** A request with a header block of its own making. */
export function request(...fields: readonly (readonly [string, string])[]): Buffer {
  return frame(types.HEADERS, WHOLE, 1, block(...fields));
}

/** The fields of a request but one. */
export function without(name: string): readonly (readonly [string, string])[] {
  return pseudo().filter(([field]) => field !== name);
}

/** A case that begins with its own bytes. */
export function bare(
  section: string,
  does: string,
  outcome: string,
  ...sends: readonly (Buffer | string)[]
): Http2Case {
  return { section, does, sends, outcome, isBare: true };
}
