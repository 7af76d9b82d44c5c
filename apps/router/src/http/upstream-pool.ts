import { connect, type Socket } from 'node:net';
import type { nodeAgent } from '@portico/contracts';
import { createContainerSessions } from './http2/container-sessions.ts';
import { Upstream } from './upstream.ts';
import { SocketWire } from './wire.ts';

/** Connections to containers that wait for their next request, the last used first. */
export interface UpstreamPool extends Disposable {
  /** An idle connection, or a new one that is still connecting. `isHttp2`: a stream of a connection of HTTP/2. */
  acquire(address: nodeAgent.Address, isHttp2?: boolean): Upstream;
  /** Takes back one whose answer is complete; one that can't be used again is dropped. */
  release(address: nodeAgent.Address, upstream: Upstream): void;
  /** Ends the idle connections to a container that gets no more requests, so that it need not wait for them. */
  closeIdle(addresses: readonly nodeAgent.Address[]): void;
}

/** More idle connections to one address than this are closed. */
const IDLE_MAX = 256;

export function createUpstreamPool(): UpstreamPool {
  const idle = new Map<string, Upstream[]>();
  const forget = (key: string, upstream: Upstream): void => {
    const list = idle.get(key);
    const at = list?.indexOf(upstream) ?? -1;
    if (at >= 0) list?.splice(at, 1);
    if (list?.length === 0) idle.delete(key);
  };
  const sessions = createContainerSessions();
  return {
    acquire(address, isHttp2) {
      const key = keyOf(address);
      if (isHttp2)
        return new Upstream(
          (listener) => sessions.wireTo(key, () => openSocket(address), listener),
          () => undefined,
        );
      for (let upstream = idle.get(key)?.pop(); upstream; upstream = idle.get(key)?.pop())
        if (upstream.isReusable) return upstream;
      return new Upstream(
        (listener) => new SocketWire(listener, (options) => openSocket(address, options), 'connecting'),
        (upstream) => forget(key, upstream),
      );
    },
    release(address, upstream) {
      if (!upstream.isReusable) return;
      const key = keyOf(address);
      const list = idle.get(key);
      if (!list) idle.set(key, [upstream]);
      else if (list.length < IDLE_MAX) list.push(upstream);
      else upstream.abandon();
    },
    closeIdle(addresses) {
      for (const key of addresses.map(keyOf)) {
        for (const upstream of idle.get(key) ?? []) upstream.abandon();
        idle.delete(key);
        sessions.close(key);
      }
    },
    [Symbol.dispose]() {
      for (const list of idle.values()) for (const upstream of list) upstream.abandon();
      idle.clear();
      sessions[Symbol.dispose]();
    },
  };
}

function keyOf({ endpoint }: nodeAgent.Address): string {
  return endpoint?.value ?? '';
}

function openSocket({ endpoint }: nodeAgent.Address, options: object = {}): Socket {
  if (endpoint?.$case === 'unixPath') return connect({ ...options, path: endpoint.value });
  const value = endpoint?.value ?? '';
  const colon = value.lastIndexOf(':');
  return connect({ ...options, host: value.slice(0, colon), port: Number(value.slice(colon + 1)) });
}
