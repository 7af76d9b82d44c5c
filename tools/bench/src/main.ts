// node tools/bench/src/main.ts warm|cold|soak [--strict] [--seconds 600] [--rate 500]
import process from 'node:process';
import { parseArgs } from 'node:util';
import { measureCold } from './cold.ts';
import { soak } from './soak/soak.ts';
import { measureWarm } from './warm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    strict: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '500' },
  },
});
const measures: Record<string, () => Promise<boolean>> = {
  warm: measureWarm,
  cold: measureCold,
  soak: () => soak({ seconds: Number(values.seconds), perSecond: Number(values.rate) }),
};
const measure = measures[positionals[0] ?? ''];
if (!measure) {
  process.stderr.write('Say which: warm, cold or soak.\n');
  process.exitCode = 1;
} else {
  const isGood = await measure();
  if (!isGood && values.strict) process.exitCode = 1;
}
