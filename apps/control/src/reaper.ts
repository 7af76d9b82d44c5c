import { endsWithClient } from './domain/apps.ts';
import { stopApp } from './publishing/stop-app.ts';
import type { State } from './state.ts';

const EVERY_MS = 2_000;

/** Stops apps whose client has vanished without a word. */
export function startReaper(state: State): Disposable {
  const startedMs = Date.now();
  const timer = setInterval(() => {
    for (const app of state.apps.values()) {
      if (!endsWithClient(app)) continue;
      const lastMs = Math.max(state.heartbeats.get(app.appId) ?? startedMs, app.createdAt * 1_000);
      if (Date.now() - lastMs < state.config.clientTimeoutMs) continue;
      state.log.info({ app: app.appId }, 'The client of an app has vanished; stopping it');
      stopApp(state, app, 'portico').catch((error: unknown) =>
        state.log.error({ err: error, app: app.appId }, 'An app could not be stopped'),
      );
    }
  }, EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
