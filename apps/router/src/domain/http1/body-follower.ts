import { ChunkFollower } from './chunk-follower.ts';
import type { Framing } from './framing.ts';

/** Finds where a body ends without touching its bytes. */
export interface BodyFollower {
  readonly isDone: boolean;
  /** It is whole whenever the connection ends. */
  readonly endsWithClose: boolean;
  /** Bytes of content so far, without what frames it. */
  readonly contentBytes: number;
  /** Trailer lines that came after the content, each with its CRLF. */
  readonly trailers: string;
  /** Takes the bytes from `from` to `to`; the index just past those that belong to the body, or -1 when they are malformed. */
  follow(bytes: Buffer, from: number, to: number): number;
}

/** Hears where the content lies in the bytes that are followed. */
export type OnContent = (bytes: Buffer, from: number, to: number) => void;

export function createBodyFollower(framing: Framing, onContent?: OnContent): BodyFollower {
  if (framing.kind === 'chunked') return new ChunkFollower(onContent);
  let left = framing.kind === 'length' ? framing.bytes : Number.POSITIVE_INFINITY;
  let contentBytes = 0;
  return {
    endsWithClose: framing.kind === 'until-close',
    trailers: '',
    get isDone() {
      return left === 0;
    },
    get contentBytes() {
      return contentBytes;
    },
    follow(bytes, from, to) {
      const taken = Math.min(to - from, left);
      left -= taken;
      contentBytes += taken;
      if (taken > 0) onContent?.(bytes, from, from + taken);
      return from + taken;
    },
  };
}
