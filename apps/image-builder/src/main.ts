import process from 'node:process';
import { runService } from '@portico/service';
import { readConfig } from './config.ts';
import { startImageBuilder } from './image-builder.ts';

await runService('image-builder', () => readConfig(process.env), startImageBuilder);
