import type { auth, control, nodeAgent } from '@portico/contracts';
import type { KeyPair } from '../adapters/certificate.ts';
import type { UnopenedPool } from '../domain/decide-target.ts';
import type { BlockIndex } from '../shared/blocks.ts';

/** A pool, and where the threads count what it has to do. */
export interface PoolPlace {
  readonly poolId: string;
  readonly at: BlockIndex;
}

/** What has changed in the world. Every thread gets all of these, in the same order. */
export type Change =
  /** `bucketAt`: where the rate of its workspace is counted. */
  | {
      readonly kind: 'app';
      readonly appId: string;
      readonly app: control.LiveApp | undefined;
      readonly pools: readonly PoolPlace[];
      readonly bucketAt: BlockIndex;
    }
  | {
      readonly kind: 'container';
      readonly containerId: string;
      readonly container: nodeAgent.Container | undefined;
      readonly at: BlockIndex;
      readonly pool: PoolPlace;
    }
  /** `bucketAt`: where the rate of the function is counted; for a workspace that is told with its apps. */
  | {
      readonly kind: 'limit';
      readonly limit: control.Limit | undefined;
      readonly before: control.Limit | undefined;
      readonly bucketAt: BlockIndex;
    }
  | { readonly kind: 'token'; readonly tokenId: string; readonly token: auth.Token | undefined }
  | { readonly kind: 'verification key'; readonly key: Uint8Array }
  /** How many routers share the limits. */
  | { readonly kind: 'routers'; readonly count: number }
  /** A class is served with these values from now on. */
  | { readonly kind: 'bound pool'; readonly pool: PoolPlace; readonly serializedParams: Buffer }
  /** A class has as many of these as it may. */
  | { readonly kind: 'no more pools'; readonly poolId: string }
  /** Nothing sends work to it any more. */
  | { readonly kind: 'forgotten pool'; readonly poolId: string };

/** What the main thread says to one that serves. */
export type ToServing =
  | Change
  | { readonly kind: 'certificate'; readonly pair: KeyPair }
  /** Port 0 = whichever is free. */
  | { readonly kind: 'listen'; readonly port: number; readonly httpsPort: number | undefined }
  | { readonly kind: 'stop' };

/** What a thread that serves says to the main thread. */
export type ToMain =
  | { readonly kind: 'listening'; readonly port: number; readonly httpsPort: number | undefined }
  /** Somebody waits for a pool, the first in this thread. */
  | ({ readonly kind: 'queued' } & Wanted)
  /** More wait than the last report says. */
  | { readonly kind: 'queue grows' }
  /** A request to a server class was refused for want of a container: one more is wanted. */
  | ({ readonly kind: 'short' } & Wanted)
  /** A class is asked for with values that have no pool yet. */
  | ({ readonly kind: 'open' } & UnopenedPool)
  | { readonly kind: 'expired'; readonly containerId: string; readonly reason: string }
  /** It has ended what it had to answer. */
  | { readonly kind: 'stopped' };

export interface Wanted {
  readonly poolId: string;
  readonly appId: string;
  readonly traceparent: string;
  /** The values of a class's parameters. */
  readonly serializedParams: Uint8Array | undefined;
}

/** What one serving thread says to another: a slot of this pool may be free. `tried` = threads that had no use for it. */
export interface Offer {
  readonly poolId: string;
  readonly tried: number;
}
