import { readlink, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';

/**
 * The Python series of an image, for example 3.11, read from its layers without running anything of it.
 * Follows links from layer to layer as an overlay would; undefined when there is no Python.
 */
export async function pythonSeriesOf(layers: readonly string[], path: string): Promise<string | undefined> {
  const folders = path.split(':').filter(Boolean);
  for (const name of ['python', 'python3']) {
    for (const folder of folders) {
      const target = await resolve(layers, posix.join(folder, name));
      const series = target && /python(\d+\.\d+)t?$/.exec(target)?.[1];
      if (series) return series;
    }
  }
  return undefined;
}

async function resolve(layers: readonly string[], path: string, hops = 0): Promise<string | undefined> {
  if (hops > 16) return undefined;
  for (const layer of layers) {
    const here = join(layer, path);
    const target = await readlink(here).catch(() => undefined);
    if (target) return resolve(layers, posix.resolve(posix.dirname(path), target), hops + 1);
    if (await stat(here).catch(() => undefined)) return path;
  }
  return undefined;
}
