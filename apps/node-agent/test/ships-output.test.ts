import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { machine } from './machine.ts';
import { untilTold } from './programs.ts';

const { EXITED } = nodeAgent.ContainerState;
const { STDOUT, STDERR } = nodeAgent.LogSource;
const plain = { spec: { plainImage: true } };

test('all that a container prints is kept in its order: many lines, long ones, the last without an end', async () => {
  await using at = await machine();
  await at.agent();
  const program = `perl -e '$| = 1;
    print "line $_\\n" for 1..3000; print "x" x 400000, "\\n"; print "\\xc3\\xa4" x 100001, "\\n"; print "no end"'
    perl -e 'print STDERR "wrong $_\\n" for 1..500'`;
  const id = await at.place(program, plain);
  await at.reported(id, 'it has ended', ({ state }) => state === EXITED);
  const lines = Array.from({ length: 3000 }, (_, i) => `line ${i + 1}\n`).join('');
  const expected = `${lines}${'x'.repeat(400_000)}\n${'ä'.repeat(100_001)}\nno end`;
  await eventually('all of it is stored', async () => (await at.printed(id, STDOUT)).length >= expected.length);
  assert.ok((await at.printed(id, STDOUT)) === expected);
  assert.equal(await at.printed(id, STDERR), Array.from({ length: 500 }, (_, i) => `wrong ${i + 1}\n`).join(''));
});

test('what is printed and what ends while NATS is away is stored when it is back', async () => {
  await using at = await machine();
  await at.agent();
  const program = `echo before; while [ ! -e /__portico/run/go ]; do sleep 0.02; done; echo meanwhile; exit 6`;
  const id = await at.place(program, plain);
  await eventually('it has printed', async () => (await at.printed(id)).includes('before'));
  await at.nats.kill();
  await at.tell(id, 'go');
  await eventually('it is cleaned up', () => at.isGone(id));
  await at.nats.start();
  const { exitCode } = await at.reported(id, 'its end is reported', ({ state }) => state === EXITED);
  assert.equal(exitCode, 6);
  await eventually('all of it is stored', async () => (await at.printed(id, STDOUT)) === 'before\nmeanwhile\n');
});

test('who prints without end does not stop the others', async () => {
  await using at = await machine();
  await at.agent();
  const loud = `perl -e 'while (1) { print "y" x 1000, "\\n" }'`;
  await at.place(loud, plain);
  const quiet = `echo here; ${untilTold}`;
  const id = await at.place(quiet, plain);
  await eventually('the other is heard', async () => (await at.printed(id)) === 'here\n');
});
