import type { Certificate, KeyPair } from '../adapters/certificate.ts';

/** The certificate as the main thread reads it. */
export interface FollowedCertificate extends Omit<Certificate, typeof Symbol.dispose> {
  use(pair: KeyPair): void;
}

export function createFollowedCertificate(): FollowedCertificate {
  let current: KeyPair | undefined;
  const listeners = new Set<(pair: KeyPair) => void>();
  return {
    get current() {
      if (!current) throw new Error('The certificate has not come yet.');
      return current;
    },
    onChange: (listener) => void listeners.add(listener),
    use(pair) {
      current = pair;
      for (const listener of listeners) listener(pair);
    },
  };
}
