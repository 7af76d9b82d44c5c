const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** A Python of an image, as a package index names what fits it. */
export interface WheelTarget {
  /** For example 3.11, as pip takes it. */
  readonly pythonVersion: string;
  /** For example cp311 or cp314t. */
  readonly abi: string;
  readonly platforms: readonly string[];
}

/** `abi` is ours: `cp311-manylinux`. `architecture` is Node's name of it. */
export function wheelTargetOf(abi: string, architecture: string): WheelTarget {
  const [, tag = '', major = '', minor = '', libc = ''] = /^(cp(\d)(\d+)t?)-(manylinux|musllinux)$/.exec(abi) ?? [];
  if (!tag) throw new Error(`${abi} is no ABI that packages are made for`);
  const machine = MACHINES[architecture] ?? architecture;
  const versions = libc === 'musllinux' ? ['1_1', '1_2'] : ['2_17', '2_28'];
  return {
    pythonVersion: `${major}.${minor}`,
    abi: tag,
    platforms: versions.map((version) => `${libc}_${version}_${machine}`),
  };
}

/** A client version as PyPI knows it; a local build's mark is cut off. Undefined when it is none. */
export function publishedVersion(clientVersion: string): string | undefined {
  const [version = ''] = clientVersion.split('+');
  return /^\d+(\.\d+){1,3}((a|b|rc)\d+)?(\.(post|dev)\d+)?$/.test(version) ? version : undefined;
}

/** The synchronicity that a client's metadata asks for: each client works with its own range only. */
export function synchronicityOf(metadata: string): string {
  const found = /^Requires-Dist: (synchronicity\b[^;\n]*)/m.exec(metadata)?.[1] ?? 'synchronicity';
  return found.replaceAll(/[() ]/g, '');
}
