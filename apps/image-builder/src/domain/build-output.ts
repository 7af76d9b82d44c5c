/** Turns what buildah prints into what a user should read, and remembers what failed. */
export interface BuildOutput {
  /** The line to show; undefined for the store's own book-keeping. */
  lineOf(raw: string): string | undefined;
  /** What to say about a build that ended with an error. */
  failure(exitCode: number, tail: string): string;
  /** What to say about a build that took too long. */
  overrun(limitMs: number): string;
}

const BOOK_KEEPING = [
  /^-->/,
  /^COMMIT /,
  /^Successfully tagged /,
  /^[0-9a-f]{64}$/,
  /^Getting image source signatures/,
  /^Copying (blob|config) /,
  /^Writing manifest to image destination/,
  /^Storing signatures/,
];

/** `shownName` gives the name by which the user knows an image of our store. */
export function createBuildOutput(shownName: (name: string) => string): BuildOutput {
  let step = '';
  return {
    lineOf(raw) {
      const found = /^STEP (\d+)\/\d+: (.*)$/.exec(raw);
      if (found) {
        step = (found[2] ?? '').replace(/\blocalhost\/portico[\w./:-]*/g, shownName);
        return `=> Step ${Number(found[1]) - 1}: ${step}`;
      }
      if (/^(Error|error) building at STEP |^Error: building at STEP /.test(raw)) return undefined;
      return BOOK_KEEPING.some((pattern) => pattern.test(raw)) ? undefined : raw;
    },
    overrun: (limitMs) =>
      `The build step "${step}" was ended: a build may take ${limitMs / 1000} s (PORTICO_BUILD_TIMEOUT_MS).`,
    failure(exitCode, tail) {
      const status = /exit status (\d+)/.exec(lastError(tail))?.[1];
      if (status) return `The build step "${step}" failed with exit code ${status}.`;
      const reason = lastError(tail)
        .replace(/^Error: /i, '')
        .replace(/\blocalhost\/portico[\w./:-]*/g, shownName);
      return step
        ? `The build step "${step}" failed: ${reason || `buildah ended with ${exitCode}`}`
        : `The image could not be built: ${reason || `buildah ended with ${exitCode}`}`;
    },
  };
}

function lastError(tail: string): string {
  const lines = tail.trim().split('\n');
  return lines.findLast((line) => /^error/i.test(line)) ?? lines.at(-1) ?? '';
}
