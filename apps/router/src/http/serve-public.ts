import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TlsOptions, Server as TlsServer } from 'node:tls';
import type { KeyPair } from '../adapters/certificate.ts';
import type { Surroundings } from '../surroundings.ts';
import type { FollowedCertificate } from '../threads/followed-certificate.ts';
import { ClientConnection } from './client-connection.ts';

/** The public ports. Disposing lets running requests end, `graceMs` long; those too whose clients were sent away. */
export interface PublicServer extends AsyncDisposable {
  readonly port: number;
  /** Under TLS; undefined while there is no certificate. */
  readonly httpsPort: number | undefined;
}

export interface PublicPorts {
  readonly host: string;
  readonly port: number;
  /** Where TLS is spoken. */
  readonly secure: { readonly port: number; readonly certificate: FollowedCertificate } | undefined;
  readonly graceMs: number;
}

/** Connections that the kernel holds until they are accepted. */
const BACKLOG = 4_096;

export async function servePublic(
  { host, port, secure, graceMs }: PublicPorts,
  around: Surroundings,
): Promise<PublicServer> {
  const connections = new Set<ClientConnection>();
  const accept = (socket: Socket): void => {
    connections.add(new ClientConnection(socket, around, onGone));
  };
  const allGone = Promise.withResolvers<void>();
  let isStopping = false;
  const onGone = (connection: ClientConnection): void => {
    connections.delete(connection);
    if (isStopping && connections.size === 0) allGone.resolve();
  };
  const plain = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, accept);
  const tls = secure && (await secureServer(secure.certificate, around.limits.headTimeoutMs));
  tls?.on('secureConnection', accept);
  const httpsPort = tls && (await listen(tls, host, secure.port));
  return {
    port: await listen(plain, host, port),
    httpsPort,
    async [Symbol.asyncDispose]() {
      isStopping = true;
      plain.close();
      tls?.close();
      tls?.endGreetings();
      for (const connection of connections) connection.stop();
      if (connections.size === 0) allGone.resolve();
      const { promise: isTime, resolve } = Promise.withResolvers<void>();
      const cut = setTimeout(() => {
        for (const connection of connections) connection.wire.destroy();
        resolve();
      }, graceMs);
      await Promise.all([allGone.promise, Promise.race([around.results.settled(), isTime])]);
      clearTimeout(cut);
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  // Every thread listens on the same port; the kernel shares the connections out.
  server.listen({ host, port, backlog: BACKLOG, reusePort: true });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface SecureServer extends TlsServer {
  /** Nobody waits for handshakes that have not ended when the server stops. */
  endGreetings(): void;
}

/** A handshake that fails or takes too long ends its connection and nothing else. */
async function secureServer(certificate: FollowedCertificate, handshakeTimeout: number): Promise<SecureServer> {
  // Loaded where it is needed: 2 MB in each thread.
  const { createServer: createTlsServer } = await import('node:tls');
  const optionsOf = (pair: KeyPair): TlsOptions => ({ ...pair, minVersion: 'TLSv1.2' });
  const server = createTlsServer({
    ...optionsOf(certificate.current),
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout,
    allowHalfOpen: true,
    noDelay: true,
  });
  const greeting = new Map<string, Socket>();
  const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`;
  server
    .on('connection', (socket) => {
      const key = keyOf(socket);
      greeting.set(key, socket);
      socket.once('close', () => greeting.delete(key));
    })
    .on('secureConnection', (socket) => greeting.delete(keyOf(socket)))
    .on('tlsClientError', (_error, socket) => socket.destroy());
  certificate.onChange((pair) => server.setSecureContext(optionsOf(pair)));
  return Object.assign(server, {
    endGreetings() {
      for (const socket of greeting.values()) socket.destroy();
    },
  });
}
