import type { Logger } from '@portico/telemetry';
import type { RecordWriter } from './adapters/record-ring.ts';
import type { Limits } from './config.ts';
import type { Admission } from './domain/admission.ts';
import type { Answer } from './domain/answers.ts';
import type { DecisionNeeds, UnopenedPool } from './domain/decide-target.ts';
import type { Pool } from './domain/pool.ts';
import type { RouteTable } from './domain/route-table.ts';
import type { TimerWheel } from './domain/timer-wheel.ts';
import type { UpstreamPool } from './http/upstream-pool.ts';
import type { WaitingResults } from './http/waiting-results.ts';
import type { Wanted } from './threads/messages.ts';

/** What a request meets on its way; all of it in memory. */
export interface Surroundings {
  readonly routes: RouteTable;
  readonly findPool: DecisionNeeds['findPool'];
  /** Opens a pool for a class with certain values; `onOpen` hears whether the class may have one more. */
  readonly openPool: (pool: UnopenedPool, onOpen: (isOpen: boolean) => void) => void;
  readonly verify: DecisionNeeds['verify'];
  readonly admission: Admission;
  readonly limits: Limits;
  readonly upstreams: UpstreamPool;
  readonly results: WaitingResults;
  /** Where each thread answers the others, by its number. */
  readonly privateSockets: readonly string[];
  readonly timers: TimerWheel;
  /** Where requests that are over are told of; absent = nobody wants to know. */
  readonly records: RecordWriter | undefined;
  /** Someone waits for a pool; nobody did if `isFirst`. */
  readonly onQueued: (wanted: Wanted, isFirst: boolean) => void;
  /** A request to a server class was refused for want of a container: nobody waits, but one more is wanted. */
  readonly onShort: (pool: Pool, appId: string, traceparent: string) => void;
  /** A request ran into its timeout in this container. */
  readonly onExpired: (containerId: string, reason: string) => void;
  /** Why a container broke off, from its report. */
  readonly whyBroken: (containerId: string, withinMs: number) => Promise<Answer>;
  readonly log: Logger;
}
