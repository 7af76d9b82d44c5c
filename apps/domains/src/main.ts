import process from 'node:process';
import { runService } from '@portico/service';
import { readConfig } from './config.ts';
import { startDomains } from './domains.ts';

await runService('domains', () => readConfig(process.env), startDomains);
