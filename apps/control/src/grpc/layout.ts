import type { control } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';
import { handleOf } from '../domain/function-reply.ts';
import { definitionById, factsOf, precreatedOf } from '../functions.ts';
import type { State } from '../state.ts';

/** All functions and classes of an app with what a client needs to use them; `extraIds` are bare objects. */
export function layoutOf(
  state: State,
  app: Pick<control.App, 'functionIds' | 'classIds'>,
  extraIds: readonly string[] = [],
): modal.AppLayout {
  const functions = [...app.functionIds.values()].map((functionId) => {
    const record = state.functions.get(functionId);
    const definition = record?.definitionId
      ? definitionById(state, record.definitionId)
      : record && precreatedOf(record);
    return modal.Object.create({
      objectId: functionId,
      functionHandleMetadata: record && definition ? handleOf(factsOf(state, record), definition) : undefined,
    });
  });
  const classes = [...app.classIds.values()].map((objectId) =>
    modal.Object.create({ objectId, classHandleMetadata: modal.ClassHandleMetadata.create({}) }),
  );
  const known = new Set([...app.functionIds.values(), ...app.classIds.values()]);
  const bare = [...new Set(extraIds)]
    .filter((id) => !known.has(id))
    .map((objectId) => modal.Object.create({ objectId }));
  return modal.AppLayout.create({
    objects: [...functions, ...classes, ...bare],
    functionIds: app.functionIds,
    classIds: app.classIds,
  });
}
