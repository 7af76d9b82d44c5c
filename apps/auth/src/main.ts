import process from 'node:process';
import { runService } from '@portico/service';
import { startAuth } from './auth.ts';
import { readConfig } from './config.ts';

await runService('auth', () => readConfig(process.env), startAuth);
