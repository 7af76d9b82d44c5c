import type { nodeAgent } from '@portico/contracts';

/** Where a container listens for one web method; undefined when it does not. */
export function addressOf({ addresses }: nodeAgent.Container, methodName: string): nodeAgent.Address | undefined {
  return addresses.find((address) => address.methodName === methodName) ?? addresses.find((a) => a.methodName === '');
}
