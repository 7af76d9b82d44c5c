// The supervisor's process: supervisor-main.js <plan file>. Runs until SIGTERM or SIGINT.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { Plan } from './plan.ts';
import { supervise } from './supervisor/supervise.ts';

const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Plan;
const supervised = await supervise(plan);
if (supervised) {
  await stop;
  await supervised[Symbol.asyncDispose]();
}
