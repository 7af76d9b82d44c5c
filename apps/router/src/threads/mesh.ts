import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** A channel between each two threads: for each thread, its ends of these. */
export function meshOf(threads: number): (MessagePort | undefined)[][] {
  const meshes = Array.from({ length: threads }, () => new Array<MessagePort | undefined>(threads).fill(undefined));
  for (const [thread, ports] of meshes.entries())
    for (const [other, others] of meshes.entries()) {
      if (other <= thread) continue;
      const { port1, port2 } = new MessageChannel();
      ports[other] = port1;
      others[thread] = port2;
    }
  return meshes;
}
