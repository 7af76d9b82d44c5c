import type { Handlers } from '@portico/grpc';
import type { ModalClientService } from '@portico/modal-protocol';

/** Some methods of the client's service. */
export type ModalHandlers = Partial<Handlers<typeof ModalClientService>>;
