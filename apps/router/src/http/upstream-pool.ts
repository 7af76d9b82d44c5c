import { connect } from 'node:net';
import type { nodeAgent } from '@portico/contracts';
import { Upstream } from './upstream.ts';
import { Wire, type WireListener } from './wire.ts';

/** Connections to containers that wait for their next request, the last used first. */
export interface UpstreamPool extends Disposable {
  /** An idle connection, or a new one that is still connecting. */
  acquire(address: nodeAgent.Address): Upstream;
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
  return {
    acquire(address) {
      const key = keyOf(address);
      for (let upstream = idle.get(key)?.pop(); upstream; upstream = idle.get(key)?.pop())
        if (upstream.isReusable) return upstream;
      return new Upstream(
        (listener) => openWire(address, listener),
        (upstream) => forget(key, upstream),
      );
    },
    release(address, upstream) {
      if (!upstream.isReusable) return;
      const key = keyOf(address);
      const list = idle.get(key) ?? [];
      if (list.length >= IDLE_MAX) return upstream.abandon();
      list.push(upstream);
      idle.set(key, list);
    },
    closeIdle(addresses) {
      for (const key of addresses.map(keyOf)) {
        for (const upstream of idle.get(key) ?? []) upstream.abandon();
        idle.delete(key);
      }
    },
    [Symbol.dispose]() {
      for (const list of idle.values()) for (const upstream of list) upstream.abandon();
      idle.clear();
    },
  };
}

function keyOf({ endpoint }: nodeAgent.Address): string {
  return endpoint?.value ?? '';
}

function openWire({ endpoint }: nodeAgent.Address, listener: WireListener): Wire {
  if (endpoint?.$case === 'unixPath')
    return new Wire(listener, (options) => connect({ ...options, path: endpoint.value }), 'connecting');
  const value = endpoint?.value ?? '';
  const colon = value.lastIndexOf(':');
  const [host, port] = [value.slice(0, colon), Number(value.slice(colon + 1))];
  return new Wire(listener, (options) => connect({ ...options, host, port }), 'connecting');
}
