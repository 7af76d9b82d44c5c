import { Agent, request } from 'node:http';
import type { SoakedApp } from './soaked-app.ts';
import { type Outcome, verdictOf } from './verdict.ts';

const TICK_MS = 10;
const ANSWER_WITHIN_MS = 120_000;
/** Requests that one app has at the same time; more would only measure how many fit into memory. */
const RUNNING_MAX = 200;
/** Less than the router keeps an idle connection, so that none is used that it closes just then. */
const IDLE_MS = 30_000;

/** What came of all requests so far. */
export interface Counts {
  good: number;
  stopped: number;
  /** Not sent, because the app had not answered enough of those before: the machine is too small for the rate. */
  heldBack: number;
  /** What went wrong, and how often. */
  readonly failed: Map<string, number>;
  readonly latenciesMs: number[];
}

/** Requests at a steady rate, whatever becomes of those before, up to a limit for each app. */
export interface Traffic {
  readonly counts: Counts;
  /** No more requests; resolves when the last one has ended. */
  stop(): Promise<void>;
}

export function startTraffic(port: number, apps: readonly SoakedApp[], perSecond: number): Traffic {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 512, timeout: IDLE_MS });
  const counts: Counts = { good: 0, stopped: 0, heldBack: 0, failed: new Map(), latenciesMs: [] };
  const running = new Map(apps.map((app) => [app, new Set<Promise<void>>()]));
  const begin = performance.now();
  let sent = 0;
  const sendDue = (): void => {
    const due = Math.floor(((performance.now() - begin) / 1_000) * perSecond);
    for (; sent < due; sent++) {
      const app = apps[sent % apps.length];
      const ofApp = app && running.get(app);
      if (!ofApp || ofApp.size >= RUNNING_MAX) {
        counts.heldBack += 1;
        continue;
      }
      const done = sendOne(agent, port, app, counts).finally(() => ofApp.delete(done));
      ofApp.add(done);
    }
  };
  const timer = setInterval(sendDue, TICK_MS);
  return {
    counts,
    async stop() {
      clearInterval(timer);
      await Promise.all([...running.values()].flatMap((ofApp) => [...ofApp]));
      agent.destroy();
    },
  };
}

async function sendOne(agent: Agent, port: number, app: SoakedApp, counts: Counts): Promise<void> {
  const atStart = { phase: app.phase, stops: app.stops, seen: app.seen };
  const begin = performance.now();
  const verdict = verdictOf(await outcomeOf(agent, port, app.host), atStart, app);
  switch (verdict.kind) {
    case 'good':
      counts.good += 1;
      counts.latenciesMs.push(performance.now() - begin);
      app.seen = Math.max(app.seen, verdict.version);
      return;
    case 'stopped':
      counts.stopped += 1;
      return;
    case 'failed': {
      const why = `${app.host}: ${verdict.why}`;
      counts.failed.set(why, (counts.failed.get(why) ?? 0) + 1);
    }
  }
}

function outcomeOf(agent: Agent, port: number, host: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const fail = (error: Error): void => resolve({ kind: 'broken', error: error.message });
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const sent = request({ agent, host: '127.0.0.1', port, headers: { host }, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('error', fail);
      response.on('end', () => resolve({ kind: 'answer', status: response.statusCode ?? 0, text }));
    });
    sent.on('error', fail);
    sent.end();
  });
}
