import type { Answer } from '../domain/answers.ts';
import type { ClientHeadOptions } from '../domain/client-head.ts';
import type { ClientLines } from '../domain/container-head.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import type { Wire } from './wire.ts';

/**
 * The client of one exchange, in whatever version of HTTP it speaks. A method that returns false has not got rid of
 * everything yet: `onClientDrain` of the exchange follows, and until then the container should pause.
 */
export interface ExchangeClient {
  /** What containers are told of it. */
  readonly lines: ClientLines;
  /** The connection ends as soon as it has nothing to answer. */
  readonly isStopping: boolean;
  /** No more of the body for now. `keeping` = what came last is still on its way to the container. */
  pause(keeping: boolean): void;
  resume(): void;
  /** An interim answer (1xx). */
  sendInterim(text: string): void;
  /** `body` is what has come of the body along with the head, framing included; both are valid until this returns. */
  sendHead(head: ResponseHead, options: ClientHeadOptions, body: Buffer): boolean;
  /** A further part of the body, framing included; valid until this returns. */
  sendBody(bytes: Buffer): boolean;
  /** An answer of the router itself, as a whole. `isHead` = the client asked for the head only. */
  sendAnswer(answer: Answer, closes: boolean, isHead: boolean): void;
  /** Everything is written. `closes` = nothing more may come on this connection, where one carries one request at a time. */
  end(closes: boolean): void;
  /** The answer can't be completed: the client must not take it for the whole. */
  cut(): void;
  /** From now on the bytes belong to another protocol; `early` are the first ones of the container, valid until this returns as the head is. */
  becomeTunnel(head: ResponseHead, container: Wire, early: Buffer, onOver: () => void): void;
}
