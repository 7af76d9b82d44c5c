import { readFileSync } from 'node:fs';
import { parseLogLine } from './domain/log-line.ts';

/** The last warning or worse in a log, as one line; empty if there is none. */
export function lastComplaintOf(logFile: string): string {
  let text: string;
  try {
    text = readFileSync(logFile, 'utf8');
  } catch {
    return '';
  }
  const lines = text.trimEnd().split('\n').slice(-200).reverse();
  for (const line of lines) {
    const entry = parseLogLine(line);
    if (['warn', 'error', 'fatal'].includes(entry.level)) return entry.message;
  }
  return lines.find((line) => line.trim() !== '')?.trim() ?? '';
}
