/** What is known of an app when a request is sent to it, or when it ends. */
export interface Sight {
  readonly phase: 'serving' | 'stopped';
  readonly stops: number;
  /** The newest version that had answered. */
  readonly seen: number;
}

export type Outcome =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  | { readonly kind: 'broken'; readonly error: string };

/** Good, or refused because the app was stopped meanwhile, or a failure that must not be. */
export type Verdict =
  | { readonly kind: 'good'; readonly version: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly why: string };

const STOPPED = 'modal-http: app for invoked web endpoint is stopped';

export function verdictOf(outcome: Outcome, atStart: Sight, atEnd: Sight): Verdict {
  if (outcome.kind === 'broken') return { kind: 'failed', why: outcome.error };
  const { status, text } = outcome;
  if (status === 404 && text === STOPPED) {
    const mayBeStopped = [atStart.phase, atEnd.phase].includes('stopped') || atStart.stops !== atEnd.stops;
    return mayBeStopped ? { kind: 'stopped' } : { kind: 'failed', why: `404 ${text}, but it was not stopped` };
  }
  const version = Number(/^\{"version": ?(\d+)\}\s*$/.exec(text)?.[1]);
  if (status !== 200 || !version) return { kind: 'failed', why: `${status} ${text.slice(0, 200)}` };
  if (version < atStart.seen)
    return { kind: 'failed', why: `version ${version} has answered after ${atStart.seen} had` };
  return { kind: 'good', version };
}
