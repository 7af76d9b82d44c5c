import { createHash } from 'node:crypto';
import type { imageBuilder } from '@portico/contracts';
import { idOfHash } from '@portico/ids';

/** How recipes become images; a new number when the same recipe comes to mean another image. */
const FORM = 'portico-image-2';

/**
 * The id of the image that a recipe makes. It follows from content alone: bytes of context files,
 * hashes of mounted ones, names (not values) of secrets. Order counts only where the build sees it.
 * `salt` tells a forced build from the one it replaces.
 */
export function imageIdOf(recipe: imageBuilder.Recipe, salt = ''): string {
  const hash = createHash('sha256');
  const add = (name: string, parts: readonly (string | Uint8Array)[]): void => {
    hash.update(`${name} ${parts.length}\n`);
    for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  };
  add(FORM, [recipe.builderVersion, String(recipe.needsGpu), recipe.contextGlobalMount, salt]);
  add('base', recipe.baseImageIds);
  add('commands', recipe.dockerfileCommands);
  add(
    'files',
    byName(recipe.contextFiles, (file) => file.name).flatMap((file) => [file.name, file.data]),
  );
  const mounted = byName(recipe.contextMountFiles, (file) => file.path);
  add(
    'mount',
    mounted.flatMap((file) => [file.path, file.sha256Hex, String(file.mode)]),
  );
  add('arguments', byName([...recipe.buildArgs], ([name]) => name).flat());
  add('secrets', [...recipe.secretEnvironment.keys()].sort());
  add('registry', [recipe.registryAuth?.username ?? '']);
  return idOfHash('image', hash.digest());
}

function byName<T>(items: readonly T[], name: (item: T) => string): T[] {
  return [...items].sort((a, b) => (name(a) < name(b) ? -1 : 1));
}
