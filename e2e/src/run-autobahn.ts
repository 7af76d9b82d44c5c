/**
 * Plays the Autobahn test suite with the echo servers of e2e/apps/echoing.py on a platform of its own. PORTICO_PYTHON2
 * names a Python 2.7 with the package autobahntestsuite. Arguments choose cases: `7.* 9.1.1`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { repository, startPlatform } from '@portico/testing';

const CASES = ['1.*', '2.*', '3.*', '4.*', '5.*', '6.*', '7.*', '9.*', '10.*'];
/** Messages of more than 2 MiB, which end with 1009; and what the library of the other server does. */
const EXPECTED = /^(9\.([12]\.[456]|[34]\.\d) \w+:.* 1009|7\.1\.5 server:.* 1002)$/;
const GOOD = new Set(['OK', 'NON-STRICT', 'INFORMATIONAL', 'UNIMPLEMENTED']);
/** Names below `localhost` are not known to every machine. */
const PROGRAM = `
import socket, sys
socket.gethostbyname = lambda name: '127.0.0.1'
real = socket.getaddrinfo
socket.getaddrinfo = lambda name, *rest, **others: real('127.0.0.1', *rest, **others)
from autobahntestsuite.wstest import run
sys.argv = ['wstest', '-m', 'fuzzingclient', '-s', sys.argv[1]]
run()
`;

type Results = Record<string, Record<string, { behavior: string; behaviorClose: string; remoteCloseCode: number }>>;

await using platform = await startPlatform();
const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/echoing.py'));
if (deployed.exitCode !== 0) throw new Error(deployed.output);
const outdir = join(platform.home, 'autobahn');
const spec = join(platform.home, 'autobahn.json');
const servers = ['asgi', 'server'].map((agent) => ({
  agent,
  url: `ws://local--echoing-${agent}.localhost:${platform.httpPort}`,
}));
const cases = process.argv.length > 2 ? process.argv.slice(2) : CASES;
await writeFile(spec, JSON.stringify({ outdir, servers, cases, 'exclude-cases': [], 'exclude-agent-cases': {} }));
const python = spawn(process.env['PORTICO_PYTHON2'] ?? 'python2', ['-c', PROGRAM, spec], { stdio: 'ignore' });
const [exitCode] = (await once(python, 'exit')) as [number];
if (exitCode !== 0) throw new Error(`the suite has ended with ${exitCode}`);
const results = JSON.parse(await readFile(join(outdir, 'index.json'), 'utf8')) as Results;
const lines = Object.entries(results).flatMap(([agent, byCase]) =>
  Object.entries(byCase).map(([id, { behavior, behaviorClose, remoteCloseCode }]) => {
    const isGood = GOOD.has(behavior) && GOOD.has(behaviorClose);
    const line = `${id} ${agent}: ${behavior}, ${behaviorClose}, ${remoteCloseCode}`;
    return { line, isExpected: isGood || EXPECTED.test(line), isGood };
  }),
);
for (const { line, isGood } of lines) if (!isGood) process.stdout.write(`${line}\n`);
const failed = lines.filter(({ isExpected }) => !isExpected);
process.stdout.write(
  `${lines.length} cases, ${lines.filter(({ isGood }) => isGood).length} good, ${failed.length} unexpected\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
