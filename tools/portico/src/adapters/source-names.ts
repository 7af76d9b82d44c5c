import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';

const PLACE = /(?:file:\/\/)?(\/[^\s():]+\/dist\/[\w-]+\.js):(\d+):(\d+)/g;

/**
 * Replaces places in bundles by places in sources. The services run without source maps, which
 * would cost each of them 45 MB; their logs are translated when somebody reads them.
 */
export function createSourceNames(): (text: string) => string {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (bundle: string): SourceMap | undefined => {
    if (!maps.has(bundle)) maps.set(bundle, readMap(`${bundle}.map`));
    return maps.get(bundle);
  };
  return (text) =>
    text.replace(PLACE, (place, bundle: string, line: string, column: string) => {
      const entry = mapOf(bundle)?.findEntry(Number(line) - 1, Number(column) - 1);
      if (!entry || !('originalSource' in entry)) return place;
      return `${join(dirname(bundle), entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    });
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
