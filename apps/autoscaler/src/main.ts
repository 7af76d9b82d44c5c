import process from 'node:process';
import { runService } from '@portico/service';
import { startAutoscaler } from './autoscaler.ts';
import { readConfig } from './config.ts';

await runService('autoscaler', () => readConfig(process.env), startAutoscaler);
