import { auth, autoscaler, domains, imageBuilder } from '@portico/contracts';
import { openCredentials } from '@portico/credentials';
import { connectGrpc, type GrpcClient, type ServiceDefinition, serveGrpc } from '@portico/grpc';
import { type ServiceContext, socketOf } from '@portico/service';
import { passingOn } from './adapters/passing-on.ts';
import type { Config } from './config.ts';
import { appDirectoryHandlers } from './grpc/app-directory.ts';
import { appLifecycleHandlers } from './grpc/app-lifecycle.ts';
import { blobHandlers } from './grpc/blobs.ts';
import { containerSpecApi } from './grpc/container-spec.ts';
import { containerGuard, forClients, forContainers } from './grpc/door-calls.ts';
import { environmentHandlers } from './grpc/environments.ts';
import { functionHandlers } from './grpc/functions.ts';
import type { ModalHandlers } from './grpc/handlers.ts';
import { handshakeHandlers } from './grpc/handshake.ts';
import { imageHandlers } from './grpc/images.ts';
import { logHandlers } from './grpc/logs.ts';
import { modalApi, tokenGuard } from './grpc/modal-api.ts';
import { mountHandlers } from './grpc/mounts.ts';
import { operatorApi } from './grpc/operator.ts';
import { proxyTokenHandlers } from './grpc/proxy-tokens.ts';
import { publishingHandlers } from './grpc/publishing.ts';
import { secretHandlers } from './grpc/secrets.ts';
import { taskHandlers } from './grpc/tasks.ts';
import { serveBlobs } from './http/blob-server.ts';
import { openState } from './open-state.ts';
import { startReaper } from './reaper.ts';

/** Everything control is made of, in the order in which it opens. */
export async function startControl(config: Config, { opened, log }: ServiceContext): Promise<void> {
  const { state, nats } = await openState(config, opened, log);
  const unix = (service: string): string => `unix://${socketOf(config.home, service)}`;
  const credentials = opened.use(await openCredentials(nats, unix('auth'), log));
  const neighbour = <D extends ServiceDefinition>(definition: D, service: string): GrpcClient<D> =>
    passingOn(opened.use(connectGrpc(definition, unix(service))));
  const tokens = neighbour(auth.TokenServiceService, 'auth');
  const images = neighbour(imageBuilder.ImageServiceService, 'image-builder');
  const scaler = neighbour(autoscaler.AutoscalerServiceService, 'autoscaler');
  const names = neighbour(domains.DomainServiceService, 'domains');
  const handlers: ModalHandlers = {
    ...handshakeHandlers(state, tokens),
    ...environmentHandlers(state),
    ...proxyTokenHandlers(state, tokens),
    ...appDirectoryHandlers(state),
    ...appLifecycleHandlers(state),
    ...publishingHandlers(state),
    ...functionHandlers(state, names, images),
    ...secretHandlers(state),
    ...mountHandlers(state),
    ...blobHandlers(state),
    ...imageHandlers(state, images),
    ...logHandlers(state),
    ...taskHandlers(state, scaler),
  };
  const forDoor = modalApi(forContainers(state, handlers), containerGuard(state));
  opened.use(startReaper(state));
  opened.use(await serveBlobs({ blobs: state.blobs, box: state.box, host: config.listen, port: config.apiPort, log }));
  opened.use(await serveGrpc({ address: unix('control'), apis: [containerSpecApi(state), operatorApi(state)], log }));
  opened.use(await serveGrpc({ address: unix('control-door'), apis: [forDoor], log }));
  opened.use(
    await serveGrpc({
      address: `${config.listen}:${config.sdkPort}`,
      apis: [modalApi(forClients(handlers), tokenGuard(credentials))],
      log,
    }),
  );
}
