import { type ClientHttp2Session, connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { Wire, WireListener } from '../wire.ts';
import { type ContainerSession, ContainerStream } from './container-stream.ts';

/** Connections of HTTP/2 to containers, one for each address; every request is a stream of its own. */
export interface ContainerSessions extends Disposable {
  /** A wire for one request, over the connection that there is or a new one. `open` connects to the address. */
  wireTo(key: string, open: () => Socket, listener: WireListener): Wire;
  /** Lets the requests of a container end, then its connection. */
  close(key: string): void;
}

/** What a container may send on one stream before the client has taken it. */
const STREAM_WINDOW_BYTES = 256 * 1024;
/** The same on all streams: slow clients of some hold up no others. */
const CONNECTION_WINDOW_BYTES = 64 * 1024 * 1024;
/** Heads of answers above this size are refused, as in HTTP/1.1. */
const HEAD_BYTES_MAX = 256 * 1024;
/** Of what node:http2 holds for one connection; more, and new streams are refused. */
const MEMORY_MIB_MAX = 128;

export function createContainerSessions(): ContainerSessions {
  const sessions = new Map<string, ContainerSession>();
  const openSession = (key: string, open: () => Socket): ContainerSession => {
    const session = connectOver(open());
    const known = { session, isConnected: false, isHttp2: false };
    sessions.set(key, known);
    const forget = (): void => {
      if (sessions.get(key) === known) sessions.delete(key);
    };
    session
      .once('connect', () => {
        known.isConnected = true;
        session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      })
      .once('remoteSettings', () => {
        known.isHttp2 = true;
      })
      .once('goaway', forget)
      .once('close', forget)
      // Its streams say it.
      .on('error', forget);
    return known;
  };
  return {
    wireTo(key, open, listener) {
      const known = sessions.get(key);
      const isUsable = known && !known.session.closed && !known.session.destroyed;
      return new ContainerStream(isUsable ? known : openSession(key, open), listener);
    },
    close(key) {
      sessions.get(key)?.session.close();
      sessions.delete(key);
    },
    [Symbol.dispose]() {
      for (const { session } of sessions.values()) session.destroy();
      sessions.clear();
    },
  };
}

function connectOver(socket: Socket): ClientHttp2Session {
  return connect('http://container', {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: HEAD_BYTES_MAX },
    maxSendHeaderBlockLength: HEAD_BYTES_MAX,
    maxSessionMemory: MEMORY_MIB_MAX,
    // A client may send a field twice; it is passed on as it is in HTTP/1.1. The types know it of servers only.
    ...({ strictSingleValueFields: false } as object),
  });
}
