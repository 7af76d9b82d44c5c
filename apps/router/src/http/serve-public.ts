import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Surroundings } from '../surroundings.ts';
import { ClientConnection } from './client-connection.ts';

/** The public port. Disposing lets running requests end, `graceMs` long. */
export interface PublicServer extends AsyncDisposable {
  readonly port: number;
}

/** Connections that the kernel holds until they are accepted. */
const BACKLOG = 4_096;

export async function servePublic(
  { host, port, graceMs }: { host: string; port: number; graceMs: number },
  around: Surroundings,
): Promise<PublicServer> {
  const connections = new Set<ClientConnection>();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket: Socket) => {
    connections.add(new ClientConnection(socket, around, onGone));
  });
  const allGone = Promise.withResolvers<void>();
  let isStopping = false;
  const onGone = (connection: ClientConnection): void => {
    connections.delete(connection);
    if (isStopping && connections.size === 0) allGone.resolve();
  };
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async [Symbol.asyncDispose]() {
      isStopping = true;
      server.close();
      for (const connection of connections) connection.stop();
      if (connections.size === 0) return;
      const cut = setTimeout(() => {
        for (const connection of connections) connection.wire.destroy();
      }, graceMs);
      await allGone.promise;
      clearTimeout(cut);
    },
  };
}
