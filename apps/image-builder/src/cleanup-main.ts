// Removes what builds of an instance have left on the machine outside its home: what `portico down` calls.
import process from 'node:process';
import { removeIsolatedNetwork } from './adapters/build-network.ts';
import { readConfig } from './config.ts';

await removeIsolatedNetwork(readConfig(process.env).instance);
