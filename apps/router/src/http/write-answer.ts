import process from 'node:process';
import type { Answer } from '../domain/answers.ts';

/** An answer of the router itself as bytes. `isHead` = the client asked for the head only. */
export function answerBytes({ status, text, headers = {} }: Answer, closes: boolean, isHead: boolean): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const isClosing = closes && headers['connection'] === undefined;
  const head =
    `HTTP/1.1 ${status} ${reasonOf(status)}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
    `content-length: ${Buffer.byteLength(text)}\r\n${lines.join('')}${isClosing ? 'connection: close\r\n' : ''}\r\n`;
  return Buffer.from(isHead ? head : head + text);
}

/** From node:http, which is loaded when it is needed first: 2 MB in each thread. */
function reasonOf(status: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? '';
}
