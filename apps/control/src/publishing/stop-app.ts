import { control } from '@portico/contracts';
import type { State } from '../state.ts';

const { STOPPED } = control.AppPhase;

/** Ends an app: its containers drain; a deployed one goes on to say at its URLs that it is stopped. */
export async function stopApp(state: State, app: control.App, stoppedBy: string): Promise<void> {
  const isDeployed = app.phase === control.AppPhase.DEPLOYED;
  await state.live.modify(app.appId, (live) => {
    if (!live) return undefined;
    return { ...live, state: control.AppState.STOPPED, stoppedAt: state.now(), routes: isDeployed ? live.routes : [] };
  });
  await state.apps.modify(app.appId, (now) =>
    now && now.phase !== STOPPED ? { ...now, phase: STOPPED, stoppedAt: state.now(), stoppedBy } : undefined,
  );
  state.heartbeats.delete(app.appId);
}
