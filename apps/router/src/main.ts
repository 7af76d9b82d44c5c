import process from 'node:process';
import { runService } from '@portico/service';
import { readConfig } from './config.ts';
import { startRouter } from './router.ts';

await runService('router', () => readConfig(process.env), startRouter);
