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
  const tollOfFunction = (functionName: string): Toll | undefined => {
    const rate = limits.ofFunction(functionName)?.rate;
    return rate && { cells: cellsOfFunction(functionName), rate, isOwn: true };
  };
  return {
    refusal(party, nowUs) {
      const { workspace, functionName } = party;
      const { rate } = limits.ofWorkspace(workspace);
      const ofWorkspace: Toll = { cells: cellsOfWorkspace(workspace), rate, isOwn: false };
      const ofFunction = tollOfFunction(functionName);
      // All threads lock in this order: that of the function before that of its workspace.
      ofFunction?.cells.lock();
      ofWorkspace.cells.lock();
      const refused = ofFunction ? payBoth(ofFunction, ofWorkspace, nowUs) : pay(ofWorkspace, nowUs);
      ofWorkspace.cells.unlock();
      ofFunction?.cells.unlock();
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
    const cells = known.get(name);
    if (cells) return cells;
    const found = cellsOf(name);
    known.set(name, found);
    return found;
  };
}

/** A toll that can't be paid now, and when it can. */
type Refused = Toll & Pick<Taken, 'waitUs'>;

function lookInto({ cells, rate }: Toll, nowUs: number): Taken {
  return takeToken(cells.state ?? fullBucket(rate.share, nowUs), rate.share, nowUs);
}

function pay(toll: Toll, nowUs: number): Refused | undefined {
  const taken = lookInto(toll, nowUs);
  if (taken.waitUs > 0) return { ...toll, waitUs: taken.waitUs };
  toll.cells.state = taken;
  return undefined;
}

/** Takes a token of each, or of none: then it says which one has none. */
function payBoth(first: Toll, second: Toll, nowUs: number): Refused | undefined {
  const taken = lookInto(first, nowUs);
  if (taken.waitUs > 0) return { ...first, waitUs: taken.waitUs };
  const refused = pay(second, nowUs);
  if (!refused) first.cells.state = taken;
  return refused;
}
