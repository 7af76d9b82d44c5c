/** Names under which images live in our own store. */
export function storeName(imageId: string): string {
  return `localhost/portico:${imageId}`;
}

/** A Dockerfile ready to be built, and the foreign images it starts from or copies out of. */
export interface PreparedDockerfile {
  readonly text: string;
  /** Full names, for example docker.io/library/python:3.11-slim. */
  readonly references: readonly string[];
}

/**
 * Joins the client's commands and gives every image its full name: `base` is the image below,
 * short names are Docker Hub's. Stages of the same file are left alone.
 */
export function prepareDockerfile(commands: readonly string[], baseImageId: string | undefined): PreparedDockerfile {
  const stages = new Set<string>();
  const references = new Set<string>();
  const nameOf = (image: string): string => {
    if (image === 'base' && baseImageId) return storeName(baseImageId);
    if (image === 'scratch' || stages.has(image.toLowerCase()) || /^\d+$/.test(image) || image.includes('$')) return image;
    const full = fullName(image);
    references.add(full);
    return full;
  };
  const lines = commands.join('\n').split('\n').map((line) => {
    const from = /^(\s*FROM\s+(?:--platform=\S+\s+)?)(\S+)(.*)$/i.exec(line);
    if (from) {
      const [, start = '', image = '', rest = ''] = from;
      const named = `${start}${nameOf(image)}${rest}`;
      const stage = /\sAS\s+(\S+)/i.exec(rest)?.[1];
      if (stage) stages.add(stage.toLowerCase());
      return named;
    }
    return line.replace(/^(\s*COPY\s+(?:--\S+\s+)*--from=)(\S+)/i, (_, start: string, image: string) => `${start}${nameOf(image)}`);
  });
  return { text: `${lines.join('\n')}\n`, references: [...references] };
}

/** Docker's rules for short names: no dot, colon or localhost in the first part means Docker Hub. */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const hasHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  const name = hasHost ? image : `docker.io/${rest.length > 0 ? image : `library/${image}`}`;
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') || name.includes('@') ? name : `${name}:latest`;
}
