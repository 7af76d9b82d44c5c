import { auth } from '@portico/contracts';
import type { Credentials } from '@portico/credentials';
import { DomainError } from '@portico/errors';
import { type CallContext, type Guard, type ServedApi, serveSome } from '@portico/grpc';
import { ModalClientService } from '@portico/modal-protocol';
import type { ModalHandlers } from './handlers.ts';
import { rememberedAnswers } from './idempotency.ts';

/** The client's service: every method is served, those not built answer UNIMPLEMENTED. */
export function modalApi(handlers: ModalHandlers, guard: Guard): ServedApi {
  return serveSome(ModalClientService, rememberedAnswers(handlers), guard);
}

/** Lets in callers with a good API token. */
export function tokenGuard(credentials: Credentials): Guard {
  return (call) => {
    if (isOpen(call)) return;
    const id = call.header('x-modal-token-id') ?? '';
    const secret = call.header('x-modal-token-secret') ?? '';
    if (!id || !secret) {
      throw new DomainError(
        'unauthenticated',
        'token.missing',
        'Token missing. Set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET: "./portico env" on the server prints them.',
      );
    }
    const verdict = credentials.verify({ kind: auth.TokenKind.API, id, secret });
    if (verdict.isValid) return;
    const why = {
      unknown: 'is not known here',
      revoked: 'was revoked',
      expired: 'has expired',
      'other-environment': 'is for another environment',
    }[verdict.refusal];
    throw new DomainError(
      'unauthenticated',
      'token.refused',
      `The API token ${why}: get a new one with "./portico env" on the server.`,
    );
  };
}

/** The sign-in itself can't ask for a token. */
function isOpen(call: CallContext): boolean {
  return /\/TokenFlow(Create|Wait)$/.test(call.path);
}
