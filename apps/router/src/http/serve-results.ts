import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Surroundings } from '../surroundings.ts';
import { ClientConnection } from './client-connection.ts';

/**
 * Answers the other threads of this router, who ask for results that this one keeps. Nobody else can reach the socket,
 * and they have decided over the request; it is told of where the client is.
 */
export async function serveResults(path: string, around: Surroundings): Promise<AsyncDisposable> {
  const connections = new Set<ClientConnection>();
  const amongThreads: Surroundings = { ...around, verify: () => 'valid', records: undefined };
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    connections.add(new ClientConnection(socket, amongThreads, (connection) => connections.delete(connection)));
  });
  await rm(path, { force: true });
  await once(server.listen(path), 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      for (const connection of connections) connection.wire.destroy();
    },
  };
}
