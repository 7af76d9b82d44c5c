import type { CallContext } from '@portico/grpc';
import type { ModalHandlers } from './handlers.ts';

const KEPT_MS = 5 * 60_000;
const KEPT_MAX = 10_000;

/** Calls that make something new and that the client sends again after a lost answer. */
const creating = [
  'appCreate',
  'appPublish',
  'appRollback',
  'appRollover',
  'classCreate',
  'functionCreate',
  'functionPrecreate',
  'secretGetOrCreate',
  'blobCreate',
  'imageGetOrCreate',
] as const;

type Unary = (request: unknown, call: CallContext) => unknown;

/** The same key gets the same answer for some minutes; a failed call may be tried again. */
export function rememberedAnswers(handlers: ModalHandlers): ModalHandlers {
  const answers = new Map<string, { answer: Promise<unknown>; atMs: number }>();
  const wrapped: Record<string, unknown> = { ...handlers };
  for (const name of creating) {
    const handler = handlers[name] as Unary | undefined;
    if (!handler) continue;
    wrapped[name] = (request: unknown, call: CallContext) => {
      const key = call.header('x-idempotency-key');
      if (!key) return handler(request, call);
      forgetOld(answers);
      const id = `${name} ${key}`;
      const known = answers.get(id);
      if (known) return known.answer;
      const answer = Promise.resolve().then(() => handler(request, call));
      answers.set(id, { answer, atMs: Date.now() });
      answer.catch(() => answers.delete(id));
      return answer;
    };
  }
  return wrapped as ModalHandlers;
}

/** Maps keep the order of insertion: the oldest are first. */
function forgetOld(answers: Map<string, { atMs: number }>): void {
  for (const [id, { atMs }] of answers) {
    if (Date.now() - atMs < KEPT_MS && answers.size < KEPT_MAX) return;
    answers.delete(id);
  }
}
