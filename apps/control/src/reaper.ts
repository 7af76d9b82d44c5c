import type { control } from '@portico/contracts';
import { endsWithClient } from './domain/apps.ts';
import { stopApp } from './publishing/stop-app.ts';
import type { State } from './state.ts';

const EVERY_MS = 2_000;

/** Stops apps whose client has vanished without a word. */
export function startReaper(state: State): Disposable {
  const startedMs = Date.now();
  const isAbandoned = (app: control.App): boolean => {
    const lastMs = Math.max(state.heartbeats.get(app.appId) ?? startedMs, app.createdAt * 1_000);
    return endsWithClient(app) && Date.now() - lastMs >= state.config.clientTimeoutMs;
  };
  const timer = setInterval(
    () => {
      for (const app of state.apps.values().filter(isAbandoned)) {
        state.log.info({ app: app.appId }, 'The client of an app has vanished; stopping it');
        stopApp(state, app.appId, 'portico', isAbandoned).catch((error: unknown) =>
          state.log.error({ err: error, app: app.appId }, 'An app could not be stopped'),
        );
      }
    },
    Math.min(EVERY_MS, state.config.clientTimeoutMs / 2),
  );
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
