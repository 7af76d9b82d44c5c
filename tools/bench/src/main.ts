// node tools/bench/src/main.ts warm|cold [--strict]
import process from 'node:process';
import { measureCold } from './cold.ts';
import { measureWarm } from './warm.ts';

const [name, ...options] = process.argv.slice(2);
const measure = { warm: measureWarm, cold: measureCold }[name ?? ''];
if (!measure) {
  process.stderr.write('Say which: warm or cold.\n');
  process.exitCode = 1;
} else {
  const isGood = await measure();
  if (!isGood && options.includes('--strict')) process.exitCode = 1;
}
