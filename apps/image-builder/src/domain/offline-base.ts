/** What stands in for an image whose registry can't be reached. */
export type StandIn =
  | { readonly kind: 'python'; readonly series: '3.11' }
  | { readonly kind: 'debian' }
  | { readonly kind: 'uv' }
  | { readonly kind: 'none'; readonly why: string };

const PYTHON_SERIES = '3.11';

/** Chooses the stand-in for a full image name. Debian 12 has one Python; others need their registry. */
export function standInFor(reference: string): StandIn {
  const python = /^docker\.io\/library\/python:(\d+\.\d+)(?:\.\d+)?(?:-slim)?(?:-bookworm)?$/.exec(reference);
  if (python) {
    if (python[1] === PYTHON_SERIES) return { kind: 'python', series: PYTHON_SERIES };
    return { kind: 'none', why: `without a registry only Python ${PYTHON_SERIES} is available: use debian_slim(python_version="${PYTHON_SERIES}")` };
  }
  if (/^docker\.io\/library\/debian:(?:bookworm(?:-slim)?|12(?:-slim)?)$/.test(reference)) return { kind: 'debian' };
  if (/^ghcr\.io\/astral-sh\/uv:/.test(reference)) return { kind: 'uv' };
  return { kind: 'none', why: 'nothing stands in for it offline' };
}

/** Whether buildah's complaint means that nobody answered, as opposed to an answer that says no. */
export function isUnreachable(complaint: string): boolean {
  return /no such host|connection refused|i\/o timeout|network is unreachable|no route to host|deadline exceeded|Client\.Timeout|connection reset|EOF$|server misbehaving|TLS handshake timeout/i.test(complaint);
}
