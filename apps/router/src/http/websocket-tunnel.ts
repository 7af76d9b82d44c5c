import { closeFrame } from '../domain/websocket/close-frame.ts';
import { extensionBits } from '../domain/websocket/extension-bits.ts';
import { type Fault, FrameReader } from '../domain/websocket/frame-reader.ts';
import type { TunnelEnds, TunnelSide } from './tunnel-ends.ts';
import type { WireListener } from './wire.ts';

/** How long both sides have to end the connection themselves, once they were told why. */
const LINGER_MS = 2_000;
/** How long a client has to read what is left, and to end, once the container has ended. */
const LEAVE_MS = 30_000;

/**
 * A tunnel that knows frames. Whole frames and the parts of payloads go on as they came. A frame that breaks the rules
 * does not: both sides are told why, each at the end of a frame, and what they still send is read over.
 */
export function connectWebSocket(
  client: TunnelSide,
  container: TunnelSide,
  acceptedWith: string,
  plain: TunnelEnds,
): TunnelEnds {
  const bits = extensionBits(acceptedWith);
  const fromClient = new FrameReader({ isMasked: true, extensionBits: bits });
  const fromContainer = new FrameReader({ isMasked: false, extensionBits: bits });
  let fault: Fault | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Sides to which nothing is written any more. */
  const ended = new Set<TunnelSide>();
  /** Tells `to` why, at the end of a frame of `from`, whose bytes are read over from then on. */
  const tell = (why: Fault, reader: FrameReader, from: TunnelSide, to: TunnelSide): void => {
    reader.stop();
    if (!reader.isBetweenFrames) return;
    if (!ended.has(to)) {
      ended.add(to);
      if (!reader.hasClosed) to.write(closeFrame(why, to === container));
      to.end();
    }
    from.resume();
  };
  const endWithin = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => plain.client.onClose(), ms);
  };
  const fail = (why: Fault): void => {
    fault = why;
    endWithin(LINGER_MS);
    tell(why, fromClient, client, container);
    tell(why, fromContainer, container, client);
  };
  const oneWay = (reader: FrameReader, next: WireListener, from: TunnelSide, to: TunnelSide): WireListener => ({
    onBytes(bytes, length) {
      reader.read(bytes, length, (part) => next.onBytes(part, part.length));
      if (fault) tell(fault, reader, from, to);
      else if (reader.fault) fail(reader.fault);
    },
    onDrain: () => next.onDrain(),
    onEnd() {
      ended.add(to);
      // Half a conversation is none: a side that does not follow holds no slot.
      endWithin(from === client ? LINGER_MS : LEAVE_MS);
      next.onEnd();
    },
    onClose() {
      clearTimeout(timer);
      next.onClose();
    },
  });
  return letClientRead(client, {
    client: oneWay(fromClient, plain.client, client, container),
    container: oneWay(fromContainer, plain.container, container, client),
  });
}

/** A client that is still sending when the container has gone is not reset at once: it might never read why. */
function letClientRead(client: TunnelSide, ends: TunnelEnds): TunnelEnds {
  let isClientDone = false;
  let timer: NodeJS.Timeout | undefined;
  return {
    client: {
      onBytes: (bytes, length) => timer ?? ends.client.onBytes(bytes, length),
      onDrain: () => timer ?? ends.client.onDrain(),
      onEnd() {
        isClientDone = true;
        if (timer) ends.container.onClose();
        else ends.client.onEnd();
      },
      onClose() {
        isClientDone = true;
        clearTimeout(timer);
        ends.client.onClose();
      },
    },
    container: {
      ...ends.container,
      onClose() {
        if (isClientDone) return ends.container.onClose();
        timer = setTimeout(() => ends.container.onClose(), LINGER_MS);
        client.end();
        client.resume();
      },
    },
  };
}
