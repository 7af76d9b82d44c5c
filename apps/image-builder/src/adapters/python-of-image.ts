import type { InsideImage } from './inside-image.ts';

/** The Python that a container of an image would run. */
export interface PythonFacts {
  /** For example 3.11.2. */
  readonly version: string;
  /** For example 3.11, or 3.14t for a free-threaded one. */
  readonly series: string;
  /** For example cp311-manylinux: names the set of packages that fit. */
  readonly abi: string;
  readonly path: string;
}

const PROBE = `
import sys, sysconfig
t = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
musl = "musl" in (sysconfig.get_config_var("SOABI") or "") or "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
v = sys.version_info
print("portico", sys.implementation.name, "%d.%d.%d" % v[:3], t or "-", "musllinux" if musl else "manylinux", sys.executable)
`;

const TIMEOUT_MS = 30_000;

/** Asks the image's own `python`; undefined when it has none. */
export async function pythonOf(
  inside: InsideImage,
  layers: readonly string[],
  environment: ReadonlyMap<string, string>,
): Promise<PythonFacts | undefined> {
  for (const name of ['python', 'python3']) {
    const facts = await pythonAt(inside, layers, name, environment);
    if (facts) return facts;
  }
  return undefined;
}

/** Asks one certain Python. */
export async function pythonAt(
  inside: InsideImage,
  layers: readonly string[],
  path: string,
  environment: ReadonlyMap<string, string>,
): Promise<PythonFacts | undefined> {
  const args = [path, '-I', '-c', PROBE];
  return factsOf((await inside.run(layers, args, { environment, timeoutMs: TIMEOUT_MS })).stdout);
}

function factsOf(output: string): PythonFacts | undefined {
  const found = /^portico cpython (\d+)\.(\d+)\.(\d+) (t|-) (\w+) (.+)$/m.exec(output);
  if (!found) return undefined;
  const [, major = '', minor = '', micro = '', threads = '', libc = '', path = ''] = found;
  const suffix = threads === 't' ? 't' : '';
  return {
    version: `${major}.${minor}.${micro}`,
    series: `${major}.${minor}${suffix}`,
    abi: `cp${major}${minor}${suffix}-${libc}`,
    path,
  };
}
