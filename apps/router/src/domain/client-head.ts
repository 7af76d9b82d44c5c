import type { ResponseHead } from './http1/response-head.ts';

export interface ClientHeadOptions {
  /** Empty: the head has it already. */
  readonly requestId: string;
  readonly isHttp10: boolean;
  /** The connection ends after this answer. */
  readonly closes: boolean;
}

/** The head of an answer as the client gets it. */
export function clientHead(head: ResponseHead, { requestId, isHttp10, closes }: ClientHeadOptions): string {
  const isChunked = head.framing.kind === 'chunked' && !isHttp10;
  return (
    `HTTP/1.1 ${head.statusText}\r\n${head.lines}${requestId && `modal-function-call-id: fc-${requestId}\r\n`}` +
    `${isChunked ? 'transfer-encoding: chunked\r\n' : ''}${closes ? 'connection: close\r\n' : ''}\r\n`
  );
}

/** The head of an answer that changes the protocol. */
export function upgradeHead({ statusText, lines, upgrade }: ResponseHead): string {
  return `HTTP/1.1 ${statusText}\r\n${lines}connection: Upgrade\r\nupgrade: ${upgrade}\r\n\r\n`;
}
