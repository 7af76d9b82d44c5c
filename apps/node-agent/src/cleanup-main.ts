// Removes every trace of an instance's containers from the machine: what `portico down` calls.
import process from 'node:process';
import { removeInstance } from './adapters/remove-instance.ts';
import { instanceOf } from './config.ts';

const home = process.argv[2] ?? process.env['PORTICO_HOME'];
if (!home) {
  process.stderr.write('usage: cleanup-main <PORTICO_HOME> (or set the variable)\n');
  process.exit(1);
}
await removeInstance(home, instanceOf(home));
