import type { nodeAgent } from '@portico/contracts';
import type { Answer } from './answers.ts';

/** A slot in a container, to be given back exactly once. */
export interface Lease {
  readonly container: nodeAgent.Container;
  release(): void;
}

/** What a waiting request gets in the end. */
export type Granted =
  | { readonly kind: 'lease'; readonly lease: Lease }
  | { readonly kind: 'refused'; readonly answer: Answer }
  /** Nothing deployed wants the pool any more: the request goes where one goes that comes now. */
  | { readonly kind: 'moved' };
