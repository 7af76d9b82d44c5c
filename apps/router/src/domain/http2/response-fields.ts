import { fields, readFields } from '../http1/fields.ts';
import { linesOf, type ResponseHead } from '../http1/response-head.ts';

/** What HTTP/2 must not carry (RFC 9113 section 8.2.2), and what it has no use for. */
const dropped: ReadonlySet<string> = new Set([
  'connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-connection',
  'keep-alive',
  'sec-websocket-accept',
]);

/** The fields of an answer, names and values by turns. `requestId` is empty where the head has it already; `status` is another one than the head's after a change of protocol. */
export function responseFields(head: ResponseHead, requestId: string, status = head.status): string[] {
  const hasNoContent = status === 204 || status < 200;
  return [
    ':status',
    String(status),
    ...fieldsOf(linesOf(head), (name) => dropped.has(name) || (hasNoContent && name === 'content-length')),
    ...(requestId === '' ? [] : ['modal-function-call-id', `fc-${requestId}`]),
  ];
}

/** The fields of an interim answer. */
export function interimFields(head: ResponseHead): string[] {
  return [
    ':status',
    String(head.status),
    ...fieldsOf(linesOf(head), (name) => dropped.has(name) || name === 'content-length'),
  ];
}

/** The fields of trailer lines, each with its CRLF. */
export function trailerFields(lines: string): string[] {
  return fieldsOf(lines, (name) => dropped.has(name));
}

/** Lines, each with its CRLF, as names and values by turns. */
function fieldsOf(lines: string, isDropped: (name: string) => boolean): string[] {
  const bytes = Buffer.from(`${lines}\r\n`, 'latin1');
  const pairs: string[] = [];
  if (readFields(bytes, 0, 0, bytes.length) < 0) return pairs;
  for (let i = 0; i < fields.count; i++) {
    const name = fields.name(i);
    if (!isDropped(name)) pairs.push(name, fields.value(i));
  }
  return pairs;
}
