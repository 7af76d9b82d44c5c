/** One method of a generated service definition, as ts-proto writes it for grpc-js. */
export interface MethodDefinition<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (value: Response) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

// biome-ignore lint/suspicious/noExplicitAny: the bound of a type parameter that is inferred exactly
export type AnyMethod = MethodDefinition<any, any>;

/** A generated `XService` constant. */
export type ServiceDefinition = Readonly<Record<string, AnyMethod>>;

export type RequestOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer R } ? R : never;
export type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer R } ? R : never;
