import { textOf } from './http1/fields.ts';
import { heads } from './http1/head-writer.ts';
import { lacksSpace, linesOf, type ResponseHead } from './http1/response-head.ts';

export interface ClientHeadOptions {
  /** Empty: the head has it already. */
  readonly requestId: string;
  readonly isHttp10: boolean;
  /** The connection ends after this answer. */
  readonly closes: boolean;
}

/** Writes the head of an answer as the client gets it. */
export function writeClientHead(head: ResponseHead, { requestId, isHttp10, closes }: ClientHeadOptions): void {
  const { bytes, statusFrom, statusEnd, linesFrom, linesEnd } = head;
  heads.begin();
  heads.text('HTTP/1.1 ');
  heads.part(bytes, statusFrom, statusEnd);
  heads.text(lacksSpace(head) ? ' \r\n' : '\r\n');
  heads.part(bytes, linesFrom, linesEnd);
  if (requestId !== '') {
    heads.text('modal-function-call-id: fc-');
    heads.text(requestId);
    heads.text('\r\n');
  }
  if (head.framing.kind === 'chunked' && !isHttp10) heads.text('transfer-encoding: chunked\r\n');
  heads.text(closes ? 'connection: close\r\n\r\n' : '\r\n');
}

/** The head of an answer that changes the protocol. */
export function upgradeHead(head: ResponseHead): string {
  return `${textOfHead(head)}connection: Upgrade\r\nupgrade: ${head.upgrade}\r\n\r\n`;
}

/** An interim answer. */
export function interimHead(head: ResponseHead): string {
  return `${textOfHead(head)}\r\n`;
}

/** Without its empty line. */
function textOfHead(head: ResponseHead): string {
  const status = textOf(head.bytes, head.statusFrom, head.statusEnd);
  return `HTTP/1.1 ${status}${lacksSpace(head) ? ' ' : ''}\r\n${linesOf(head)}`;
}
