/** How the end of a body is known (RFC 9112 section 6). */
export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** Only of responses: the end of the connection ends it. */
  | { readonly kind: 'until-close' };

export const NO_BODY: Framing = { kind: 'length', bytes: 0 };
export const CHUNKED: Framing = { kind: 'chunked' };
export const UNTIL_CLOSE: Framing = { kind: 'until-close' };
