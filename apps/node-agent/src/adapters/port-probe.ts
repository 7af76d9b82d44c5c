import { connect } from 'node:net';

const EVERY_MS = 10;
const TRY_MS = 250;

/** Resolves as soon as something accepts connections at the address. */
export async function untilPortOpen(host: string, port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await accepts(host, port)) return;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TRY_MS });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}
