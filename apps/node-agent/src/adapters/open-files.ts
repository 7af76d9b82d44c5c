import { readFile } from 'node:fs/promises';

const FALLBACK = 1_024;

/** The hard limit of open files of this process: containers can't be given more. */
export async function openFilesMax(): Promise<number> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const hard = /^Max open files\s+\S+\s+(\d+|unlimited)/m.exec(text)?.[1];
  if (hard === 'unlimited') return Number.MAX_SAFE_INTEGER;
  return hard ? Number(hard) : FALLBACK;
}
