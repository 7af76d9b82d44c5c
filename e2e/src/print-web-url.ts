// Prints the URL of a function as the official client for JavaScript knows it: node print-web-url.ts <app> <function>
import process from 'node:process';
import { ModalClient } from 'modal';

const [app = '', name = ''] = process.argv.slice(2);
const client = new ModalClient();
const found = await client.functions.fromName(app, name);
process.stdout.write(`${await found.getWebUrl()}\n`);
client.close();
