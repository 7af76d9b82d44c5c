/** How a message becomes bytes on NATS and back. Every generated message is one. */
export interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}
