import assert from 'node:assert/strict';
import { eventually, type Platform } from '@portico/testing';

/** Kills a service and waits until the supervisor has it back. */
export async function killService(platform: Platform, name: string): Promise<void> {
  const before = (await platform.processIds()).get(name);
  assert.ok(before, `${name} runs`);
  process.kill(before, 'SIGKILL');
  await eventually(
    `${name} is back`,
    async () => {
      const { services } = JSON.parse((await platform.portico('status', '--json')).output) as {
        services: { name: string; pid?: number; state: string }[];
      };
      const now = services.find((service) => service.name === name);
      return now?.state === 'ready' && now.pid !== before;
    },
    { withinMs: 30_000 },
  );
}
