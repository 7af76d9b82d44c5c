import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Platform } from '@portico/testing';

const TEXT_FRAME = 0x81;

/** Sends one short text message and gives back the one that comes; by hand, since `*.localhost` need not resolve. */
export function echoOverWebSocket(
  { httpPort }: Pick<Platform, 'httpPort'>,
  label: string,
  path: string,
  text: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port: httpPort,
      path,
      headers: {
        host: `${label}.localhost`,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
      signal: AbortSignal.timeout(60_000),
    });
    sent.once('error', reject);
    sent.once('response', (response) => reject(new Error(`the handshake was answered with ${response.statusCode}`)));
    sent.once('upgrade', (_, socket, head) => {
      const take = (data: Buffer): void => {
        if (data.length < 2) return;
        socket.destroy();
        resolve(data.subarray(2, 2 + ((data[1] ?? 0) & 0x7f)).toString());
      };
      socket.once('error', reject);
      socket.once('data', take);
      socket.write(maskedFrame(text));
      take(head);
    });
    sent.end();
  });
}

/** A client's frame is masked; the payload is shorter than 126 bytes. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return Buffer.concat([Buffer.from([TEXT_FRAME, 0x80 | payload.length]), mask, masked]);
}
