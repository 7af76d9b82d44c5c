/** What stands in for an image whose registry can't be reached: something made from packages. */
export type StandIn =
  | { readonly kind: 'python'; readonly series: string; readonly suite: string }
  | { readonly kind: 'debian'; readonly suite: string }
  | { readonly kind: 'uv'; readonly version: string | undefined };

/** The one Python that each Debian release has. */
const SUITE_OF_PYTHON: ReadonlyMap<string, string> = new Map([
  ['3.11', 'bookworm'],
  ['3.13', 'trixie'],
]);
const SUITE_OF_DEBIAN: ReadonlyMap<string, string> = new Map([
  ...['bookworm', 'oldstable', '12'].map((name): [string, string] => [name, 'bookworm']),
  ...['trixie', 'stable', 'latest', '13'].map((name): [string, string] => [name, 'trixie']),
]);

export const offlineSeries: readonly string[] = [...SUITE_OF_PYTHON.keys()];

/** Chooses the stand-in for a full image name; undefined when nothing can be made for it. */
export function standInFor(reference: string): StandIn | undefined {
  const python = /^docker\.io\/library\/python:(\d+\.\d+)(?:\.\d+)?(?:-slim)?(?:-(?:bookworm|trixie))?$/.exec(
    reference,
  );
  if (python) {
    const series = python[1] ?? '';
    const suite = SUITE_OF_PYTHON.get(series);
    return suite ? { kind: 'python', series, suite } : undefined;
  }
  const debian = /^docker\.io\/library\/debian:([a-z]+|\d+)(?:\.\d+)?(?:-slim)?$/.exec(reference);
  const suite = debian && SUITE_OF_DEBIAN.get(debian[1] ?? '');
  if (suite) return { kind: 'debian', suite };
  const uv = /^ghcr\.io\/astral-sh\/uv:(?:latest|(\d+\.\d+(?:\.\d+)?))$/.exec(reference);
  if (uv) return { kind: 'uv', version: uv[1] };
  return undefined;
}

/** The name of a stand-in in our store: never that of the real image, which may be pulled one day. */
export function standInName(standIn: StandIn): string {
  switch (standIn.kind) {
    case 'python':
      return `localhost/portico/offline:python-${standIn.series}-${standIn.suite}-2`;
    case 'debian':
      return `localhost/portico/offline:debian-${standIn.suite}-2`;
    case 'uv':
      return `localhost/portico/offline:uv-${standIn.version ?? 'latest'}-1`;
  }
}

/** What a user reads when nothing stands in. */
export function unreachableMessage(reference: string, registry: string): string {
  const series = /^docker\.io\/library\/python:(\d+\.\d+)/.exec(reference)?.[1];
  const [first, second] = offlineSeries;
  const available = `offline there are Python ${offlineSeries.join(' and ')} (debian_slim(python_version="${first}") or "${second}"), debian:bookworm, debian:trixie and ghcr.io/astral-sh/uv`;
  const what = series ? `Python ${series} is only to be had there` : `nothing here stands in for ${reference}`;
  return `The registry ${registry} can't be reached from this machine, and ${what}; ${available}.`;
}

/** Whether a complaint of buildah means that nobody answered, as opposed to an answer that says no. */
export function isUnreachable(complaint: string): boolean {
  return /no such host|connection refused|i\/o timeout|network is unreachable|no route to host|deadline exceeded|Client\.Timeout|connection reset|EOF$|server misbehaving|TLS handshake timeout/i.test(
    complaint.trim(),
  );
}
