import assert from 'node:assert/strict';
import { constants, inflateRawSync } from 'node:zlib';
import type { TestWebSocket } from './websocket.ts';
import { closeCode, closePayload, type Frame, frame, opcodes } from './websocket-frames.ts';

/** Something that the client does, or waits to hear. */
export type Step =
  /** Sends bytes, in one write or in writes of so many octets. */
  { readonly sends: Buffer; readonly octets?: number } | { readonly hears: Frame };

/** How the connection ends. */
export type Ending =
  /** It goes on until the client closes it: a clean end with the code of the client. */
  | { readonly kind: 'clean' }
  /** The client has closed it: the server answers with this code; 1005 stands for none. */
  | { readonly kind: 'closed'; readonly code: number }
  /** The server ends it for this reason. Nothing else is heard but these frames, or the first of them. */
  | { readonly kind: 'failed'; readonly code: number; readonly mayHear: readonly Frame[] };

export interface WebSocketCase {
  /** A section of the published list of the Autobahn test suite, whose subject the case has. */
  readonly section: string;
  /** What the client does. */
  readonly does: string;
  readonly steps: readonly Step[];
  readonly ending: Ending;
  /** The one server that it is for; both without. */
  readonly only?: 'asgi' | 'server';
  /** An extension that the client offers. The server on a port accepts it, the runner does not. */
  readonly offers?: string;
}

const NORMAL = 1000;
/** The first reserved bit, with permessage-deflate. */
const COMPRESSED = 0x40;
const SYNC_FLUSH = constants.Z_SYNC_FLUSH;

export const sends = (...frames: readonly Buffer[]): Step => ({ sends: Buffer.concat(frames) });
export const inOctets = (octets: number, ...frames: readonly Buffer[]): Step => ({ ...sends(...frames), octets });
export const message = (opcode: number, payload: string | Buffer): Frame => ({ opcode, payload: Buffer.from(payload) });
export const hears = (opcode: number, payload: string | Buffer): Step => ({ hears: message(opcode, payload) });

export function goesOn(section: string, does: string, ...steps: readonly Step[]): WebSocketCase {
  return { section, does, steps, ending: { kind: 'clean' } };
}

export function closes(section: string, does: string, code: number, ...steps: readonly Step[]): WebSocketCase {
  return { section, does, steps, ending: { kind: 'closed', code } };
}

export function fails(section: string, does: string, code: number, ...steps: readonly Step[]): WebSocketCase {
  return { section, does, steps, ending: { kind: 'failed', code, mayHear: [] } };
}

/** A case in which frames may be heard before the end; none of them has to be. */
export function mayHear(of: WebSocketCase, ...frames: readonly Frame[]): WebSocketCase {
  return of.ending.kind === 'failed' ? { ...of, ending: { ...of.ending, mayHear: frames } } : of;
}

/** What becomes of it, in words. */
export function outcomeOf({ steps, ending }: WebSocketCase): string {
  if (ending.kind === 'failed') return `the connection fails with ${ending.code}`;
  if (ending.kind === 'closed') return ending.code === 1005 ? 'closed without a code' : `closed with ${ending.code}`;
  const heard = steps.flatMap((step) => ('hears' in step ? [step.hears.opcode] : []));
  const has = (opcode: number): boolean => heard.includes(opcode);
  const isEcho = has(opcodes.text) || has(opcodes.binary);
  return [has(opcodes.pong) ? 'pong' : '', isEcho ? 'echo' : '', 'goes on'].filter(Boolean).join(', ');
}

/** Plays a case; throws when anything is not as it should be. */
export async function play(socket: TestWebSocket, { steps, ending, offers, only }: WebSocketCase): Promise<void> {
  assert.equal(socket.extensions !== '', offers !== undefined && only === 'server', socket.extensions);
  for (const step of steps) {
    if ('sends' in step) await socket.sendBytes(step.sends, step.octets);
    else assertFrame(await socket.next(), step.hears);
  }
  if (ending.kind === 'clean') await socket.sendBytes(frame(opcodes.close, closePayload(NORMAL, 'done')));
  const expected = ending.kind === 'clean' ? NORMAL : ending.code;
  const before = ending.kind === 'failed' ? ending.mayHear : [];
  for (let i = 0; ; i++) {
    const heard = await socket.next();
    const mayBe = before[i];
    if (heard.opcode !== opcodes.close && mayBe) {
      assertFrame(heard, mayBe);
      continue;
    }
    assert.deepEqual([heard.opcode, closeCode(heard)], [opcodes.close, expected], `heard ${written(heard)}`);
    break;
  }
  if (ending.kind === 'failed') await socket.sendBytes(frame(opcodes.close, closePayload(expected)));
  // The server ends the connection, and says nothing more.
  assert.equal(await socket.nextOrEnd(), undefined);
}

function assertFrame(heard: Frame, expected: Frame): void {
  const payload = heard.reserved === COMPRESSED ? inflated(heard.payload) : heard.payload;
  const isSame = payload.equals(expected.payload);
  assert.deepEqual({ ...heard, payload: 0 }, { ...expected, payload: 0 }, `heard ${written(heard)}`);
  assert.ok(isSame, `heard ${written(heard)} rather than ${written(expected)}`);
}

/** RFC 7692 section 7.2.2. */
function inflated(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 255, 255])]), { finishFlush: SYNC_FLUSH });
}

function written({ opcode, payload }: Frame): string {
  return `opcode ${opcode}, ${payload.length} octets: ${JSON.stringify(payload.subarray(0, 40).toString('latin1'))}`;
}
