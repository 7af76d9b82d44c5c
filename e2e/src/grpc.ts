import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

/** What came of a call; fields that came with the head of an answer without a body are its trailers. */
export interface GrpcReply {
  readonly status: number;
  readonly messages: readonly string[];
  readonly trailers: IncomingHttpHeaders;
}

/** A call of gRPC by hand, with text for messages. */
export interface GrpcCall {
  /** Sends a message and waits for the next one. */
  ask(message: string): Promise<string>;
  /** Sends a last message, or none, and waits for the end. */
  end(message?: string): Promise<GrpcReply>;
}

const HEAD_BYTES = 5;

export function openGrpcCall(
  session: ClientHttp2Session,
  authority: string,
  path: string,
  extra: OutgoingHttpHeaders = {},
): GrpcCall {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path, ':authority': authority },
    ...{ 'content-type': 'application/grpc', te: 'trailers', ...extra },
  });
  const messages: string[] = [];
  let [held, status] = [Buffer.alloc(0), 0];
  let trailers: IncomingHttpHeaders = {};
  let wake = (): void => undefined;
  stream
    .on('response', (headers) => {
      status = headers[':status'] ?? 0;
      if ('grpc-status' in headers) trailers = headers;
    })
    .on('trailers', (fields) => {
      trailers = fields;
    })
    .on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      for (let size = sizeOf(held); size !== undefined; size = sizeOf(held)) {
        messages.push(held.toString('utf8', HEAD_BYTES, HEAD_BYTES + size));
        held = held.subarray(HEAD_BYTES + size);
        wake();
      }
    });
  const over = new Promise<void>((resolve, reject) => void stream.once('end', resolve).once('error', reject));
  over.catch(() => undefined);
  return {
    async ask(message) {
      const heard = new Promise<void>((resolve) => {
        wake = resolve;
      });
      stream.write(framed(message));
      await Promise.race([heard, over]);
      return messages.at(-1) ?? '';
    },
    async end(message) {
      stream.end(message === undefined ? undefined : framed(message));
      await over;
      return { status, messages, trailers };
    },
  };
}

/** The size of a message that is there as a whole. */
function sizeOf(bytes: Buffer): number | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const size = bytes.readUInt32BE(1);
  return bytes.length >= HEAD_BYTES + size ? size : undefined;
}

/** Not compressed, its size, the message. */
function framed(message: string): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
