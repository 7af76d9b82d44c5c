import { readProjectFile } from './repository.ts';

/** The rows of all tables of a page whose first cell is code: that code, and the cells after it. */
export function codeRows(page: string): { code: string; cells: readonly string[] }[] {
  return readProjectFile(page)
    .split('\n')
    .flatMap((line) => {
      const [first = '', ...cells] = line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim());
      const code = /^`([^`]+)`$/.exec(first)?.[1];
      return code === undefined ? [] : [{ code, cells }];
    });
}

/** Everything between backticks, without what is in code blocks. */
export function codeSpans(text: string): string[] {
  return matchesIn(text.replaceAll(/^```[\s\S]*?^```/gm, ''), /`([^`\n]+)`/g);
}

/** The first group of every match. */
export function matchesIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}
