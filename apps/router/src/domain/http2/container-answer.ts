import { STATUS_CODES } from 'node:http';

/** An answer of HTTP/2 in the words of HTTP/1.1. */
export interface ContainerAnswer {
  /** With the empty line. */
  readonly head: string;
  /** Its body comes in the chunked coding, and may have trailers. */
  readonly isChunked: boolean;
  /** Of its body, if it says so. */
  readonly bytes: number | undefined;
}

export interface AnswerOptions {
  /** It has ended with its head. */
  readonly isWhole: boolean;
  /** Only the head was asked for. */
  readonly isHead: boolean;
}

/** Writes the head of an answer, from fields as names and values by turns. Its stream carries no other one. */
export function containerAnswer(fields: readonly string[], { isWhole, isHead }: AnswerOptions): ContainerAnswer {
  const { status, lines, length } = read(fields);
  const hasBody = !isHead && !isWhole && status !== 204 && status !== 304;
  const isChunked = hasBody && length === undefined;
  const framing = isChunked
    ? 'transfer-encoding: chunked\r\n'
    : isWhole && !isHead && length === undefined && status !== 204 && status !== 304
      ? 'content-length: 0\r\n'
      : '';
  return {
    head: `${statusLine(status)}${lines}${framing}connection: close\r\n\r\n`,
    isChunked,
    bytes: hasBody && length !== undefined ? Number(length) : isChunked ? undefined : 0,
  };
}

/** The head of an interim answer. */
export function interimAnswer(fields: readonly string[]): string {
  const { status, lines } = read(fields);
  return `${statusLine(status)}${lines}\r\n`;
}

/** Trailers as lines, each with its CRLF. */
export function answerTrailers(fields: readonly string[]): string {
  return read(fields).lines;
}

function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
}

function read(fields: readonly string[]): { status: number; lines: string; length: string | undefined } {
  let [status, lines] = [0, ''];
  let length: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = [fields[i], fields[i + 1]];
    if (name === ':status') status = Number(value);
    else if (!name.startsWith(':')) lines += `${name}: ${value}\r\n`;
    if (name === 'content-length') length = value;
  }
  return { status, lines, length };
}
