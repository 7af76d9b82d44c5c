import { linesOf, type ResponseHead } from '../domain/http1/response-head.ts';
import type { TunnelEnds, TunnelSide } from './tunnel-ends.ts';
import { connectWebSocket } from './websocket-tunnel.ts';
import type { Wire, WireListener } from './wire.ts';

/** Bytes both ways, each side at the pace of the other, until both have ended or one has broken off. */
export function connectTunnel(client: TunnelSide, container: Wire, head: ResponseHead, onOver: () => void): TunnelEnds {
  let isOver = false;
  let ended = 0;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    client.destroy();
    container.destroy();
    onOver();
  };
  const oneWay = (from: TunnelSide, to: TunnelSide): WireListener => ({
    onBytes(bytes, length) {
      if (to.write(bytes.length === length ? bytes : bytes.subarray(0, length))) return;
      from.keepBytes();
      from.pause();
    },
    // Of what was written to `from`: its source may go on.
    onDrain: () => to.resume(),
    onEnd() {
      to.end();
      ended += 1;
      if (ended === 2) over();
    },
    onClose: over,
  });
  const plain = { client: oneWay(client, container), container: oneWay(container, client) };
  const isWebSocket = head.upgrade.toLowerCase() === 'websocket';
  const ends = isWebSocket ? connectWebSocket(client, container, linesOf(head), plain) : plain;
  container.listener = ends.container;
  return ends;
}
