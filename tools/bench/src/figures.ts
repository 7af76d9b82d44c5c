import process from 'node:process';

/** The value below which the given share of the samples lies; samples need not be sorted. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const sum = (samples: readonly number[]): number => samples.reduce((total, sample) => total + sample, 0);

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** A figure beside what it should be. */
export interface Budget {
  readonly what: string;
  readonly figure: number;
  readonly most: number;
  readonly unit: string;
}

/** Prints rows in columns; the first one is the heading. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** Prints each figure with its budget; whether all are kept. */
export function printBudgets(budgets: readonly Budget[]): boolean {
  print('');
  printTable([
    ['figure', 'measured', 'budget', ''],
    ...budgets.map(({ what, figure, most, unit }) => [
      what,
      `${round(figure)} ${unit}`,
      `≤ ${most} ${unit}`,
      figure <= most ? 'kept' : 'MISSED',
    ]),
  ]);
  return budgets.every(({ figure, most }) => figure <= most);
}

/** The line for machines. */
export function printJson(value: unknown): void {
  print(`\n${JSON.stringify(value)}`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}
