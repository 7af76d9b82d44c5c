import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { repository } from '@portico/testing';

test('apps that are redeployed, rescaled, stopped and started under load fail no request and leave nothing', async () => {
  const program = join(repository, 'tools/bench/src/main.ts');
  const args = ['--conditions=@portico/source', program, 'soak', '--strict', '--seconds', '30', '--rate', '60'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const output = (await child.stdout.toArray()).join('');
  const [exitCode] = (await ended) as [number | null];
  assert.equal(exitCode, 0, output);
  const { good, changes } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as {
    good: number;
    changes: Record<string, number>;
  };
  assert.ok(good > 600, output);
  for (const [change, count] of Object.entries(changes)) assert.ok(count > 0, `${change}: ${output}`);
});
