import type { BucketCells } from '../shared/bucket-cells.ts';
import { type Answer, answers } from './answers.ts';
import type { SharedRate } from './bounds.ts';
import { keyOfFunction, keyOfWorkspace, type LimitsInForce } from './limits-in-force.ts';
import { fullBucket, type Taken, takeToken } from './token-bucket.ts';

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

/** A bucket that a request needs a token of. */
interface Toll {
  readonly cells: BucketCells;
  readonly rate: SharedRate;
  /** Of the function rather than of its workspace. */
  readonly isOwn: boolean;
}

/** `bucketOf` gives what the threads share of `keyOfWorkspace` or `keyOfFunction`. */
export function createAdmission(limits: LimitsInForce, bucketOf: (key: string) => BucketCells): Admission {
  const cellsOfWorkspace = memoized((workspace) => bucketOf(keyOfWorkspace(workspace)));
  const cellsOfFunction = memoized((functionName) => bucketOf(keyOfFunction(functionName)));
  const tollsOf = ({ workspace, functionName }: LimitedParty): Toll[] => {
    const { rate } = limits.ofWorkspace(workspace);
    const ofWorkspace = { cells: cellsOfWorkspace(workspace), rate, isOwn: false };
    const own = limits.ofFunction(functionName)?.rate;
    if (!own) return [ofWorkspace];
    return [{ cells: cellsOfFunction(functionName), rate: own, isOwn: true }, ofWorkspace];
  };
  return {
    refusal(party, nowUs) {
      const tolls = tollsOf(party);
      // All threads lock in this order: that of the function before that of its workspace.
      for (const { cells } of tolls) cells.lock();
      const refused = payAll(tolls, nowUs);
      for (const { cells } of tolls) cells.unlock();
      if (!refused) return undefined;
      const owner = refused.isOwn ? `function ${party.functionId}` : `workspace ${party.workspace}`;
      return answers.rateLimited(refused.rate.perSecond, owner, refused.waitUs);
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

/** What a name has is found once, and stays the same. */
function memoized(cellsOf: (name: string) => BucketCells): (name: string) => BucketCells {
  const known = new Map<string, BucketCells>();
  return (name) => {
    const cells = known.get(name) ?? cellsOf(name);
    known.set(name, cells);
    return cells;
  };
}

/** Takes a token of each, or of none: then it says which one has none, and when it will. */
function payAll(tolls: readonly Toll[], nowUs: number): (Toll & Pick<Taken, 'waitUs'>) | undefined {
  const taken: Taken[] = [];
  for (const toll of tolls) {
    const { share } = toll.rate;
    const bucket = takeToken(toll.cells.state ?? fullBucket(share, nowUs), share, nowUs);
    if (bucket.waitUs > 0) return { ...toll, waitUs: bucket.waitUs };
    taken.push(bucket);
  }
  for (const [i, { cells }] of tolls.entries()) cells.state = taken[i] as Taken;
  return undefined;
}
