import { parentPort, workerData } from 'node:worker_threads';
import { startServing } from './serving.ts';
import type { ServingData } from './threads/serving-threads.ts';

if (!parentPort) throw new Error('This program is a thread of the router.');
await startServing(parentPort, workerData as ServingData);
