import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = Buffer.from('PK\x05\x06', 'latin1');

/** One entry of a zip archive (stored or deflated, no zip64). */
export function zipEntry(archive: Buffer, name: string): Buffer {
  const end = archive.lastIndexOf(END_OF_DIRECTORY);
  if (end < 0) throw new Error('not a zip archive');
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = archive.readUInt16LE(at + 28);
    if (archive.toString('utf8', at + 46, at + 46 + nameLength) === name) return entryAt(archive, at);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`${name} is not in the wheel`);
}

function entryAt(archive: Buffer, at: number): Buffer {
  const local = archive.readUInt32LE(at + 42);
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const raw = archive.subarray(start, start + archive.readUInt32LE(at + 20));
  return archive.readUInt16LE(at + 10) === 0 ? raw : inflateRawSync(raw);
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
};

/** The serialized FileDescriptorProto of a generated Python module: the bytes literal after `AddSerializedFile(`. */
export function descriptorBytes(source: string): Uint8Array {
  const open = /AddSerializedFile\(b(['"])/.exec(source);
  if (!open) throw new Error("no AddSerializedFile(b'...') in the module");
  return bytesLiteral(source, open.index + open[0].length, open[1] ?? "'");
}

function bytesLiteral(source: string, start: number, quote: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = start; at < source.length; ) {
    const char = source.charAt(at);
    if (char === quote) return Uint8Array.from(bytes);
    const { value, length } = char === '\\' ? escapeAt(source, at + 1) : { value: char.charCodeAt(0), length: 0 };
    bytes.push(value);
    at += 1 + length;
  }
  throw new Error('unterminated bytes literal');
}

function escapeAt(source: string, at: number): { value: number; length: number } {
  const char = source.charAt(at);
  if (char === 'x') return { value: Number.parseInt(source.slice(at + 1, at + 3), 16), length: 3 };
  const octal = /^[0-7]{1,3}/.exec(source.slice(at, at + 3))?.[0];
  if (octal) return { value: Number.parseInt(octal, 8), length: octal.length };
  const value = SIMPLE_ESCAPES[char];
  if (value === undefined) throw new Error(`unexpected escape \\${char}`);
  return { value, length: 1 };
}
