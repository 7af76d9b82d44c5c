import process from 'node:process';

/** One line for people. */
export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** What is being done right now; the next one follows on a line of its own. */
export function sayStep(text: string): void {
  process.stdout.write(`  ${text}\n`);
}

export function complain(line: string): void {
  process.stderr.write(`portico: ${line}\n`);
}

/** Rows as aligned columns; the first row is the heading. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** 1536 → 1.5 KiB */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
