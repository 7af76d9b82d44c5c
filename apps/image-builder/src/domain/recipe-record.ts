import { imageBuilder } from '@portico/contracts';

/** Records travel in one message; what is larger is not kept, and can't be built again by itself. */
const KEPT_MAX_BYTES = 1_000_000;

/** What of a recipe may be kept: no value of a secret, no password. */
export function recipeToKeep(recipe: imageBuilder.Recipe): imageBuilder.Recipe {
  const secretEnvironment = new Map([...recipe.secretEnvironment.keys()].map((name) => [name, '']));
  const registryAuth = recipe.registryAuth && { username: recipe.registryAuth.username, password: '' };
  const kept = { ...recipe, secretEnvironment, registryAuth };
  if (imageBuilder.Recipe.encode(kept).finish().length <= KEPT_MAX_BYTES) return kept;
  return {
    ...kept,
    contextFiles: recipe.contextFiles.map((file) => ({ ...file, data: new Uint8Array() as typeof file.data })),
    contextMountFiles: [],
  };
}

/** Whether a kept recipe still has everything that its build needs. `imageId` follows from the whole recipe. */
export function isWhole(kept: imageBuilder.Recipe, hasOriginalId: boolean): boolean {
  return hasOriginalId && kept.secretEnvironment.size === 0 && kept.registryAuth === undefined;
}

/**
 * Whether an image may lie in the store that all instances of a machine share: one of the client's
 * own recipes, in which nothing of secrets, credentials or users' files is.
 */
export function isShareable(recipe: imageBuilder.Recipe): boolean {
  return (
    recipe.isGlobal &&
    recipe.baseImageIds.length === 0 &&
    recipe.secretEnvironment.size === 0 &&
    recipe.registryAuth === undefined &&
    recipe.contextMountFiles.length === 0
  );
}
