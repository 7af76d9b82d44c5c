import type { Wire, WireListener } from './wire.ts';

/** A side of a tunnel: a socket, or what behaves like one. */
export type TunnelSide = Pick<Wire, 'write' | 'keepBytes' | 'pause' | 'resume' | 'end' | 'destroy'>;

/** What hears the two sides of a tunnel. */
export interface TunnelEnds {
  readonly client: WireListener;
  readonly container: WireListener;
}
