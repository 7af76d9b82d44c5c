/** Where an answer comes from, as its client sees it. */
export interface AnswerSource {
  /** Told to the client with the answer; empty when the answer says it itself. */
  readonly requestId: string;
  /** Nobody takes more of the answer just now; what was heard last is still needed. */
  pause(): void;
  resume(): void;
  /** Nobody wants the answer any more: `status` says why. */
  abandon(status: number, error?: string): void;
}
