import process from 'node:process';
import { runService } from '@portico/service';
import { readConfig } from './config.ts';
import { startNodeAgent } from './node-agent.ts';

await runService('node-agent', () => readConfig(process.env), startNodeAgent);
