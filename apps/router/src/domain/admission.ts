import { type Answer, answers } from './answers.ts';
import type { SharedRate } from './bounds.ts';
import type { LimitsInForce } from './limits-in-force.ts';
import { type BucketState, fullBucket, type Taken, takeToken } from './token-bucket.ts';

/** Whose limits count for a request. */
export interface LimitedParty {
  readonly workspace: string;
  /** `environment/app/tag`: what lasts when an app is stopped and deployed again. */
  readonly functionName: string;
  /** For answers. */
  readonly functionId: string;
}

/** Which requests are let in, by the limits in force and what is left of them. */
export interface Admission {
  /** Why a request must not go on now; undefined when it may, and is counted. */
  refusal(party: LimitedParty, nowUs: number): Answer | undefined;
  /** Why one more must not wait for a container, when so many wait for it. */
  queueRefusal(party: LimitedParty, queued: number): Answer | undefined;
  /** The limits of a party, for people. */
  describe(party: LimitedParty): string;
}

interface Tried {
  readonly key: string;
  readonly owner: string;
  readonly rate: SharedRate;
  readonly taken: Taken;
}

export function createAdmission(limits: LimitsInForce): Admission {
  const buckets = new Map<string, BucketState>();
  const tryTake = (key: string, owner: string, rate: SharedRate, nowUs: number): Tried => {
    const state = buckets.get(key) ?? fullBucket(rate.share, nowUs);
    return { key, owner, rate, taken: takeToken(state, rate.share, nowUs) };
  };
  return {
    refusal({ workspace, functionName, functionId }, nowUs) {
      const { rate } = limits.ofWorkspace(workspace);
      const tries = [tryTake(`workspace/${workspace}`, `workspace ${workspace}`, rate, nowUs)];
      const own = limits.ofFunction(functionName)?.rate;
      if (own) tries.unshift(tryTake(`function/${functionName}`, `function ${functionId}`, own, nowUs));
      const refused = tries.find(({ taken }) => taken.waitUs > 0);
      // A request that one of them refuses costs the other nothing.
      if (!refused) for (const { key, taken } of tries) buckets.set(key, taken);
      return refused && answers.rateLimited(refused.rate.perSecond, refused.owner, refused.taken.waitUs);
    },
    queueRefusal({ workspace, functionName, functionId }, queued) {
      const queue = limits.queueOf(workspace, functionName);
      return queued < queue.share ? undefined : answers.queueFull(functionId, queue.length);
    },
    describe({ workspace, functionName }) {
      const own = limits.ofFunction(functionName)?.rate;
      return [
        `${limits.ofWorkspace(workspace).rate.perSecond}/s of the workspace`,
        ...(own ? [`${own.perSecond}/s of the function`] : []),
        `queue of ${limits.queueOf(workspace, functionName).length}`,
        `shared by ${limits.routers}`,
      ].join(', ');
    },
  };
}
