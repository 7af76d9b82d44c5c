export type { CallContext } from './call-context.ts';
export { type CallOptions, connectGrpc, type GrpcClient } from './connect-grpc.ts';
export type { AnyMethod, MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from './definition.ts';
export { type GrpcServer, type ServeOptions, serveGrpc } from './serve-grpc.ts';
export { type Guard, type HandlerOf, type Handlers, type ServedApi, serveAll, serveSome } from './served-api.ts';
export { RemoteError, toDomainError } from './status.ts';
