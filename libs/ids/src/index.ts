export { basePoolIdOf, boundPoolId } from './bound-pool-id.ts';
export { type IdKind, idOfHash, idPrefixes, isId, newContainerId, newId, type RandomBytes } from './ids.ts';
