import type { Answer } from '../domain/answers.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import type { Wire } from './wire.ts';

/** Who hears what becomes of a call. */
export interface CallListener {
  /** A container has the request. `isThrough` = it takes more of the body at once. */
  onSent(isThrough: boolean): void;
  /** What was sent of the body has gone: the container takes more. */
  onDrain(): void;
  /** An interim answer (1xx). */
  onInterim(text: string): void;
  /** `body` is what has come of the body along with the head, framing included. Both are valid until this returns. */
  onHead(head: ResponseHead, body: Buffer): void;
  /** A further part of the body, framing included; valid until this returns. */
  onBody(bytes: Buffer): void;
  onComplete(): void;
  /** The protocol has changed; `onOver` is to be called when nothing more comes or goes. */
  onUpgrade(head: ResponseHead, container: Wire, early: Buffer, onOver: () => void): void;
  /** The router answers in place of a container. */
  onAnswer(answer: Answer): void;
  /** The answer has begun and can't be completed. `instead` = what the router would have said before it began. */
  onCut(instead: Answer): void;
}
