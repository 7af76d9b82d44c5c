import process from 'node:process';
import { runService } from '@portico/service';
import { readConfig } from './config.ts';
import { startControl } from './control.ts';

await runService('control', () => readConfig(process.env), startControl);
