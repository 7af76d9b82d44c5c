/** One instruction of a Dockerfile, with its continuation lines and here-documents. */
export interface Instruction {
  /** In capitals; empty for comments and blank lines. */
  readonly keyword: string;
  /** What follows the keyword, continuations joined; without the body of here-documents. */
  readonly value: string;
  /** The text as it was written. */
  readonly source: string;
}

/** Cuts a Dockerfile into instructions. Joining the `source`s with newlines gives the text back. */
export function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n');
  const escapeMark = escapeOf(lines);
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    const end = endOf(lines, at, escapeMark);
    found.push(instructionOf(lines.slice(at, end.line), end.value));
    at = end.line;
  }
  return found;
}

function instructionOf(lines: readonly string[], value: string): Instruction {
  const source = lines.join('\n');
  const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)\s+([\s\S]*)$/.exec(value) ?? [];
  if (/^\s*(#|$)/.test(value)) return { keyword: '', value: '', source };
  return { keyword: keyword.toUpperCase(), value: rest.trim(), source };
}

/** Where the instruction that starts at a line ends, and its text on one line. */
function endOf(lines: readonly string[], start: number, escapeMark: string): { line: number; value: string } {
  let line = start;
  let value = '';
  for (;;) {
    const text = lines[line] ?? '';
    line += 1;
    const isInside = line - 1 > start;
    // Comments and blank lines between continuation lines are not part of the instruction.
    if (isInside && /^\s*(#|$)/.test(text)) {
      if (line < lines.length) continue;
      break;
    }
    const isContinued = !/^\s*#/.test(text) && text.trimEnd().endsWith(escapeMark);
    value += isContinued ? text.trimEnd().slice(0, -1) : text;
    if (!isContinued || line >= lines.length) break;
  }
  return { line: afterHereDocuments(lines, line, value), value };
}

function afterHereDocuments(lines: readonly string[], start: number, value: string): number {
  if (!/^\s*(RUN|COPY|ADD)\s/i.test(value)) return start;
  let line = start;
  for (const [, dash, , word] of value.matchAll(/<<(-?)(["']?)([A-Za-z_]\w*)\2/g)) {
    const isEnd = (text: string): boolean => (dash ? text.replace(/^\t+/, '') : text) === word;
    let end = line;
    while (end < lines.length && !isEnd(lines[end] ?? '')) end += 1;
    // Without its end it is a shell's own << on one line.
    if (end < lines.length) line = end + 1;
  }
  return line;
}

/** The parser directive `# escape=` may only stand before everything else. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const directive = /^#\s*([a-zA-Z]+)\s*=\s*(\S+)\s*$/.exec(line);
    if (!directive) return '\\';
    if (directive[1]?.toLowerCase() === 'escape') return directive[2] === '`' ? '`' : '\\';
  }
  return '\\';
}
