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
  | { readonly kind: 'refused'; readonly answer: Answer };
