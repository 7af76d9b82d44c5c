export { DomainError, type ErrorCode, type ErrorKind } from './domain-error.ts';
export { type Delivery, deliveryOf, grpcStatusOf, httpStatusOf, isOurs, kindOfGrpcStatus } from './tables.ts';
