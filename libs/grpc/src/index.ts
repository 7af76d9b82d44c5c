export { type CallContext } from './call-context.ts';
export { type CallOptions, connectGrpc, type GrpcClient } from './connect-grpc.ts';
export type { AnyMethod, MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from './definition.ts';
export { type GrpcServer, serveGrpc, type ServeOptions } from './serve-grpc.ts';
export { type Guard, type HandlerOf, type Handlers, serveAll, type ServedApi, serveSome } from './served-api.ts';
export { RemoteError, toDomainError } from './status.ts';
