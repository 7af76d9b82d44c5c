import type { nodeAgent } from '@portico/contracts';
import type { Decision } from '../domain/decide-target.ts';
import type { Lease } from '../domain/lease.ts';
import type { Deadline } from '../domain/timer-wheel.ts';
import type { SlotSearch } from './search-slot.ts';
import type { Upstream } from './upstream.ts';

export type Forward = Extract<Decision, { kind: 'forward' }>;
export type Unopened = Extract<Decision, { kind: 'unopened' }>;

/** A request in the hands of a container. */
export interface Sent {
  readonly lease: Lease;
  readonly address: nodeAgent.Address;
  readonly upstream: Upstream;
  /** The timeout of the function. */
  readonly deadline: Deadline;
}

/** A container has begun its answer. */
export interface Answered {
  readonly sent: Sent;
  readonly status: number;
}

/** Where a call is. */
export type CallState =
  | { readonly kind: 'new' }
  | { readonly kind: 'waiting'; readonly forward: Forward; readonly search: SlotSearch }
  /** With a container, which has not answered yet. */
  | { readonly kind: 'sent'; readonly forward: Forward; readonly sent: Sent }
  /** A container has broken off, and its report is waited for. */
  | { readonly kind: 'asking why' }
  | ({ readonly kind: 'answering' } & Answered)
  /** Nobody takes the answer for now. The container waits, and the function's time stands still with `leftMs` to go. */
  | ({ readonly kind: 'suspended'; readonly leftMs: number } & Answered)
  | { readonly kind: 'over' };
