import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { run } from './command.ts';

/**
 * A container's output as a named pipe. The container holds it open for reading and writing, so it
 * sees neither an end nor a broken pipe when node-agent is away; a full pipe makes it wait.
 */
export interface OutputPipe {
  /** For the container: hand it over, then `closeWriter`. */
  readonly writer: number;
  closeWriter(): void;
  /** Resolves when nobody can write any more and all of it has been handed over. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Opens the pipe, making it if it is not there yet, and hands every piece of text to `onText`. */
export async function openOutputPipe(dir: string, name: string, onText: (text: string) => void): Promise<OutputPipe> {
  const path = join(dir, name);
  await run('mkfifo', ['-m', '600', path]).catch((error: Error) => {
    if (!error.message.includes('exists')) throw error;
  });
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_RDWR);
  const socket = new Socket({ fd: reader, readable: true, writable: false });
  const decoder = new TextDecoder();
  socket.on('data', (data: Buffer) => onText(decoder.decode(data, { stream: true })));
  socket.on('error', () => socket.destroy());
  const ended = new Promise<void>((resolve) => {
    socket.once('end', () => {
      const rest = decoder.decode();
      if (rest) onText(rest);
      resolve();
    });
    socket.once('close', resolve);
  });
  let isWriterOpen = true;
  const closeWriter = (): void => {
    if (isWriterOpen) closeSync(writer);
    isWriterOpen = false;
  };
  return {
    writer,
    closeWriter,
    ended,
    close() {
      closeWriter();
      socket.destroy();
    },
  };
}
