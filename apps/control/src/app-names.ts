import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { newId } from '@portico/ids';
import { environmentTitleOf } from './domain/apps.ts';
import type { State } from './state.ts';

const { DEPLOYED, STOPPED } = control.AppPhase;

/** What a new app begins with; `environmentName` is what the data of its environment is kept under. */
export type NewApp = Pick<control.App, 'name' | 'environmentName' | 'tags' | 'createdBy'>;

/** Names go into keys. */
const NAME = /^(?!.*\.\.)[A-Za-z0-9_-]([A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$/;

function nameKeyOf(name: string, environmentName: string): string {
  if (NAME.test(name)) return `${environmentName}/${name}`;
  throw new DomainError(
    'invalid-argument',
    'app.bad_name',
    `${JSON.stringify(name)} can't name an app: use up to 64 letters, digits, dots, dashes and underscores, with no dot at an end.`,
  );
}

/** The app that has a name, if it has not ended. */
function holderOf(state: State, key: string): control.App | undefined {
  const app = state.apps.get(state.appNames.get(key)?.appId ?? '');
  return app?.phase === STOPPED ? undefined : app;
}

/** The app of a name that has none yet: of clients that come at once all get the same one. */
export function createNamed(state: State, wanted: NewApp, phase: control.AppPhase): Promise<control.App> {
  const key = nameKeyOf(wanted.name, wanted.environmentName);
  return state.turns.take(`name ${key}`, async () => {
    const holder = holderOf(state, key);
    if (!holder) {
      const app = await createApp(state, wanted, phase);
      await state.appNames.put(key, { appId: app.appId });
      return app;
    }
    state.heartbeats.set(holder.appId, Date.now());
    if (phase !== DEPLOYED || holder.phase === DEPLOYED) return holder;
    return (await state.apps.modify(holder.appId, (now) => now && { ...now, phase })) ?? holder;
  });
}

/** An app that is deployed under another name than it was made with needs that name too. */
export function claimName(state: State, app: control.App): Promise<void> {
  const { appId, name, environmentName } = app;
  const key = nameKeyOf(name, environmentName);
  return state.turns.take(`name ${key}`, async () => {
    const holder = holderOf(state, key);
    if (holder?.appId === appId) return;
    if (holder)
      throw new DomainError(
        'failed-precondition',
        'app.name_taken',
        `There is another app "${name}" in the environment "${environmentTitleOf(state, app)}": deploy again to replace its code.`,
      );
    await state.appNames.put(key, { appId });
  });
}

/** A new app, whatever others are called. */
export async function createApp(state: State, wanted: NewApp, phase: control.AppPhase): Promise<control.App> {
  const app = control.App.create({
    ...wanted,
    appId: newId('app'),
    phase,
    createdAt: state.now(),
  });
  await state.apps.create(app.appId, app);
  state.heartbeats.set(app.appId, Date.now());
  return app;
}
