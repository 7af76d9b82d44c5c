import type { auth } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { GrpcClient } from '@portico/grpc';
import { modal } from '@portico/modal-protocol';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

const JWT_LIFETIME_SECONDS = 3_600;

/** What a client asks before it does anything: greetings, who am I. */
export function handshakeHandlers(state: State, tokens: GrpcClient<typeof auth.TokenServiceService>): ModalHandlers {
  const { workspace } = state.config;
  return {
    clientHello: () => modal.ClientHelloResponse.create({}),
    workspaceNameLookup: () =>
      modal.WorkspaceNameLookupResponse.create({ username: workspace, workspaceName: workspace }),
    tokenInfoGet(_, call) {
      const tokenId = call.header('x-modal-token-id') ?? '';
      return modal.TokenInfoGetResponse.create({
        tokenId,
        workspaceName: workspace,
        workspaceId: 'ac-local',
        userIdentity: { username: workspace } as never,
      });
    },
    async authTokenGet(_, call) {
      const subject = call.header('x-modal-token-id') ?? 'container';
      const { jwt } = await tokens.issueJwt({ subject, lifetimeSeconds: JWT_LIFETIME_SECONDS }, { deadlineMs: 5_000 });
      return modal.AuthTokenGetResponse.create({ token: jwt });
    },
    tokenFlowCreate() {
      throw new DomainError(
        'unimplemented',
        'token.no_sign_in',
        'Portico has no sign-in page yet: run "./portico env" on the server and use "modal token set" with what it prints.',
      );
    },
  };
}
