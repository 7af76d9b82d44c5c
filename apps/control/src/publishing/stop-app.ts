import { control } from '@portico/contracts';
import type { State } from '../state.ts';

const { DEPLOYED, STOPPED } = control.AppPhase;

/**
 * Ends an app: its containers drain; a deployed one goes on to say at its URLs that it is stopped.
 * `isDue` is asked when nothing else is being done with the app.
 */
export function stopApp(
  state: State,
  appId: string,
  stoppedBy: string,
  isDue: (app: control.App) => boolean = () => true,
): Promise<void> {
  return state.turns.take(appId, async () => {
    const app = state.apps.get(appId);
    if (!app || app.phase === STOPPED || !isDue(app)) return;
    const stoppedAt = state.now();
    await state.live.modify(
      appId,
      (live) =>
        live && {
          ...live,
          state: control.AppState.STOPPED,
          stoppedAt,
          routes: app.phase === DEPLOYED ? live.routes : [],
        },
    );
    await state.apps.modify(appId, (now) => now && { ...now, phase: STOPPED, stoppedAt, stoppedBy });
    state.heartbeats.delete(appId);
    state.clients.delete(appId);
  });
}
