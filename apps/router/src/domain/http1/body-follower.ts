import { ChunkFollower } from './chunk-follower.ts';
import type { Framing } from './framing.ts';

/** Finds where a body ends without touching its bytes. */
export interface BodyFollower {
  readonly isDone: boolean;
  /** It is whole whenever the connection ends. */
  readonly endsWithClose: boolean;
  /** Bytes of content as far as they are known: a length counts at once, a chunk as soon as it says its size. */
  readonly announcedBytes: number;
  /** Trailer lines that came after the content, each with its CRLF. */
  readonly trailers: string;
  /** Takes the bytes from `from` to `to`; the index just past those that belong to the body, or -1 when they are malformed. */
  follow(bytes: Buffer, from: number, to: number): number;
}

/** Hears where the content lies in the bytes that are followed. */
export type OnContent = (bytes: Buffer, from: number, to: number) => void;

export function createBodyFollower(framing: Framing, onContent?: OnContent): BodyFollower {
  if (framing.kind === 'chunked') return new ChunkFollower(onContent);
  const bytes = framing.kind === 'length' ? framing.bytes : Number.POSITIVE_INFINITY;
  return bytes === 0 ? EMPTY : new LengthFollower(bytes, onContent);
}

/** Follows a body whose length is known, or that ends with its connection. */
class LengthFollower implements BodyFollower {
  readonly announcedBytes: number;
  readonly trailers = '';
  readonly #onContent: OnContent | undefined;
  #left: number;

  constructor(bytes: number, onContent?: OnContent) {
    this.announcedBytes = bytes;
    this.#left = bytes;
    this.#onContent = onContent;
  }

  get endsWithClose(): boolean {
    return this.announcedBytes === Number.POSITIVE_INFINITY;
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  follow(bytes: Buffer, from: number, to: number): number {
    const taken = Math.min(to - from, this.#left);
    this.#left -= taken;
    if (taken > 0) this.#onContent?.(bytes, from, from + taken);
    return from + taken;
  }
}

/** It has nothing to remember, so there is one for all. */
const EMPTY: BodyFollower = new LengthFollower(0);
