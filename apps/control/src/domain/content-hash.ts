import { createHash } from 'node:crypto';
import { modal } from '@portico/modal-protocol';

/** Looks up what stands behind an id: for an anonymous secret a hash of its content, else the id itself. */
export type ContentOf = (id: string) => string;

/**
 * A hash over everything that decides how a function behaves. Ids that differ from deploy to
 * deploy although nothing changed are replaced by their content, and sets are sorted.
 */
export function contentHashOf(definition: modal.FunctionMessage, contentOf: ContentOf): string {
  const normal: modal.FunctionMessage = {
    ...definition,
    mountIds: [...definition.mountIds].sort(),
    secretIds: definition.secretIds.map(contentOf),
    objectDependencies: definition.objectDependencies.map(({ objectId }) => ({ objectId: contentOf(objectId) })),
    methodDefinitions: new Map([...definition.methodDefinitions].sort(([a], [b]) => (a < b ? -1 : 1))),
    experimentalOptions: new Map([...definition.experimentalOptions].sort(([a], [b]) => (a < b ? -1 : 1))),
    webUrl: '',
  };
  return createHash('sha256').update(modal.FunctionMessage.encode(normal).finish()).digest('hex');
}

/** One hash for a whole deployment: equal means that nothing changed. */
export function deploymentHashOf(
  functions: Iterable<readonly [tag: string, contentHash: string]>,
  nonce: string,
): string {
  const hash = createHash('sha256').update(nonce);
  for (const [tag, content] of [...functions].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${tag}\0${content}\0`);
  return hash.digest('hex');
}
