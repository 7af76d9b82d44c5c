import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connectGrpc } from '@portico/grpc';
import { ModalClientService, modal } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import type { Machine } from './machine.ts';

/** Speaks for the runner inside a container: its events, and the client's calls through the door. */
export interface Runner extends AsyncDisposable {
  tell(...events: object[]): Promise<void>;
  /** Asks for inputs; resolves with true when the answer is the kill switch. */
  asksForInputs(): Promise<boolean>;
  enterHooksHaveRun(): Promise<void>;
  fails(exception: string): Promise<void>;
}

const CALL = { deadlineMs: 30_000 };

export async function runnerOf(at: Machine, containerId: string): Promise<Runner> {
  const folder = join(at.folderOf(containerId), 'r');
  await eventually('its sockets are there', async () => {
    const socket = connect(join(folder, 'events.sock'));
    await once(socket, 'connect');
    socket.destroy();
    return true;
  });
  const door = connectGrpc(ModalClientService, `unix://${join(folder, 'door.sock')}`);
  return {
    async tell(...events) {
      const socket = connect(join(folder, 'events.sock'));
      socket.end(events.map((event) => `${JSON.stringify({ at: Date.now() / 1000, ...event })}\n`).join(''));
      await once(socket, 'close');
    },
    async asksForInputs() {
      const { inputs } = await door.functionGetInputs(modal.FunctionGetInputsRequest.create({}), CALL);
      return inputs.some(({ killSwitch }) => killSwitch);
    },
    async enterHooksHaveRun() {
      await door.containerServerLifecycleReady({}, CALL);
    },
    async fails(exception) {
      const result = modal.GenericResult.create({ status: 2, exception });
      await door.taskResult(modal.TaskResultRequest.create({ result }), CALL);
    },
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  };
}
