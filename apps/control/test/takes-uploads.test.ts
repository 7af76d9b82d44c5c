import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { modal } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import { define, foundOrMade, publishDefined } from './client-steps.ts';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

const run = promisify(execFile);
let control: ControlOnNats;

before(async () => {
  control = await controlOnNats();
});

after(() => control?.[Symbol.asyncDispose]());

const sha256 = (bytes: Buffer, encoding: 'hex' | 'base64'): string =>
  createHash('sha256').update(bytes).digest(encoding);
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

interface Links {
  readonly blobId: string;
  readonly upload: string;
  readonly completion: string;
}

async function announced(bytes: Buffer, contentSha256Base64 = sha256(bytes, 'base64')): Promise<Links> {
  const { blobId, multiparts } = await control.client.blobCreate(
    modal.BlobCreateRequest.create({ contentLength: BigInt(bytes.length), contentSha256Base64 }),
    control.good,
  );
  const part = multiparts?.items[0];
  return { blobId, upload: part?.uploadUrls[0] ?? '', completion: part?.completionUrl ?? '' };
}

const put = (url: string, body: Buffer, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'PUT', body: new Uint8Array(body), headers });

/** Every file of the store, with those that are being written. */
async function stored(): Promise<string[]> {
  const files = await readdir(join(control.home, 'blobs'), { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .map(({ name }) => name)
    .sort();
}

async function leavesNothing(act: () => Promise<void>): Promise<void> {
  const before = await stored();
  await act();
  await eventually('nothing is left of it', async () => String(await stored()) === String(before));
}

test('an upload comes back as it was, is confirmed part by part, also when control has restarted in between', async () => {
  const bytes = randomBytes(3_000_000);
  const { blobId, upload, completion } = await announced(bytes);
  assert.equal((await put(upload, bytes)).headers.get('etag'), `"${md5(bytes)}"`);
  await control.restart();
  const completed = await fetch(completion, { method: 'POST', body: '<CompleteMultipartUpload/>' });
  const combined = createHash('md5')
    .update(Buffer.from(md5(bytes), 'hex'))
    .digest('hex');
  assert.ok((await completed.text()).includes(`${combined}-1`));
  const { downloadUrl } = await control.client.blobGet(modal.BlobGetRequest.create({ blobId }), control.good);
  assert.deepEqual(Buffer.from(await (await fetch(downloadUrl)).arrayBuffer()), bytes);
});

test('the body is taken as it is, whatever it says to be', async () => {
  const bytes = Buffer.from('{"not": json');
  const { upload } = await announced(bytes);
  const reply = await put(upload, bytes, { 'content-type': 'application/json' });
  assert.equal(reply.headers.get('etag'), `"${md5(bytes)}"`);
});

test('a link that is forged, for another thing or run out is refused before a body is read', async () => {
  const bytes = randomBytes(1_000);
  const { blobId, upload, completion } = await announced(bytes);
  const other = await announced(bytes);
  const signatureOf = (url: string): string => new URL(url).searchParams.get('signature') ?? '';
  const forged = [
    upload.replace(/signature=.{4}/, 'signature=0000'),
    upload.replace(/until=\d+/, 'until=1'),
    upload.replace(/until=\d+/, 'until=99999999999'),
    upload.replace(/size=\d+/, 'size=9999999'),
    upload.replace(/sha256=[^&]*/, 'sha256='),
    upload.replace(blobId, other.blobId),
    upload.replace(signatureOf(upload), signatureOf(other.upload)),
    completion.replace('/complete', ''),
    `${control.apiOrigin}/blobs/${blobId}`,
    `${control.apiOrigin}/blobs/..%2f..%2fkeys%2fsecrets.key`,
  ];
  await leavesNothing(async () => {
    for (const url of forged) assert.equal((await put(url, bytes)).status, 403, url);
    assert.equal((await fetch(upload)).status, 403, 'a link to upload is none to download');
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-length': '5000000000', 'content-type': 'application/json' };
      const sent = request(forged[0] ?? '', { method: 'PUT', headers }, (reply) => {
        resolve(reply.statusCode);
        sent.destroy();
      });
      sent.once('error', reject);
      sent.flushHeaders();
    });
    assert.equal(status, 403);
  });
});

test('other bytes than were announced are refused and leave nothing', async () => {
  const bytes = randomBytes(200_000);
  await leavesNothing(async () => {
    const wrong = await put((await announced(bytes)).upload, randomBytes(bytes.length));
    assert.deepEqual([wrong.status, /another content/.test(await wrong.text())], [400, true]);
    const short = await put((await announced(bytes)).upload, bytes.subarray(1));
    assert.deepEqual([short.status, /200000 bytes/.test(await short.text())], [400, true]);
    const long = await put((await announced(bytes)).upload, Buffer.concat([bytes, bytes]));
    assert.deepEqual([long.status, /200000 bytes/.test(await long.text())], [413, true]);
    const { upload } = await announced(bytes);
    const endless = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(150_000)) });
    const init = { method: 'PUT', body: endless, duplex: 'half' };
    assert.equal((await fetch(upload, init as RequestInit)).status, 400);
  });
});

test('more than an upload may have is refused before it begins', async () => {
  const contentLength = 6n * 1024n ** 3n;
  const tooBig = control.client.blobCreate(modal.BlobCreateRequest.create({ contentLength }), control.good);
  await assert.rejects(tooBig, { kind: 'invalid-argument', message: /up to 5368709120 bytes/ });
});

test('an unknown upload can be neither fetched, nor completed, nor put into a mount', async () => {
  const { blobId, completion } = await announced(Buffer.from('x'));
  await assert.rejects(control.client.blobGet(modal.BlobGetRequest.create({ blobId }), control.good), {
    kind: 'not-found',
  });
  assert.equal((await fetch(completion, { method: 'POST' })).status, 404);
  const adopted = control.client.mountPutFile(
    modal.MountPutFileRequest.create({ dataBlobId: blobId, sha256Hex: 'a'.repeat(64) }),
    control.good,
  );
  await assert.rejects(adopted, { kind: 'not-found' });
});

test('an upload that is cut off leaves nothing, nor does one that a crash has cut off', async () => {
  const bytes = randomBytes(1_000_000);
  const { upload } = await announced(bytes);
  await leavesNothing(async () => {
    const before = (await stored()).length;
    const sent = request(upload, { method: 'PUT', headers: { 'content-length': String(bytes.length) } });
    sent.once('error', () => undefined);
    sent.write(bytes.subarray(0, 300_000));
    await eventually('it is being written', async () => (await stored()).length > before);
    sent.destroy();
  });
  await leavesNothing(async () => {
    await mkdir(join(control.home, 'blobs/partial'), { recursive: true });
    await run('touch', [join(control.home, 'blobs/partial/left')]);
    await control.restart();
  });
});

test('files of a mount: the missing ones are asked for, put by value or upload, and listed for the container', async () => {
  const [small, large] = [Buffer.from('print("hello")'), randomBytes(5_000_000)];
  const hashes = [small, large].map((bytes) => sha256(bytes, 'hex'));
  const missing = async (): Promise<string[]> =>
    (
      await control.client.mountBatchedCheckExistence(
        modal.MountBatchedCheckExistenceRequest.create({ sha256HexHashes: hashes }),
        control.good,
      )
    ).missingSha256HexHashes;
  assert.deepEqual(await missing(), hashes);
  const putFile = (file: Partial<modal.MountPutFileRequest>) =>
    control.client.mountPutFile(modal.MountPutFileRequest.create(file), control.good);
  const files = hashes.map((sha256Hex, i) =>
    modal.MountFile.create({ filename: `/root/${i}.py`, sha256Hex, mode: 0o640 }),
  );
  const mount = () => control.client.mountGetOrCreate(modal.MountGetOrCreateRequest.create({ files }), control.good);
  await assert.rejects(mount(), { kind: 'failed-precondition', message: /\/root\/0\.py was not uploaded/ });
  assert.equal((await putFile({ sha256Hex: hashes[0] ?? '', data: small })).exists, true);
  const { blobId, upload } = await announced(large);
  await put(upload, large);
  await assert.rejects(putFile({ sha256Hex: hashes[0]?.replace(/^./, 'f') ?? '', dataBlobId: blobId }));
  const again = await announced(large);
  await put(again.upload, large);
  const adopt = { sha256Hex: hashes[1] ?? '', dataBlobId: again.blobId };
  assert.equal((await putFile(adopt)).exists, true);
  assert.equal((await putFile(adopt)).exists, true, 'the same call once more');
  assert.deepEqual(await missing(), []);
  const { mountId } = await mount();
  assert.equal((await mount()).mountId, mountId, 'the same files are the same mount');
  assert.deepEqual(
    await mountedFiles(mountId),
    files.map(({ filename, sha256Hex }) => [filename, sha256Hex, 0o640]),
  );
});

/** What node-agent is told to mount for a container of a function with this mount. */
async function mountedFiles(mountId: string): Promise<unknown[]> {
  const appId = await foundOrMade(control, 'mounted');
  const defined = await define(control, appId, { web: { mountIds: [mountId] } });
  await publishDefined(control, appId, 'mounted', defined);
  const pool = (await control.live.get(appId))?.value.pools[0];
  const { spec } = await control.specs.getContainerSpec(
    { containerId: 'ta-1', appId, poolId: pool?.poolId ?? '', definitionId: pool?.definitionId ?? '' },
    { deadlineMs: 5_000 },
  );
  return (spec?.mounts ?? []).flatMap(({ files }) => files.map(({ path, sha256Hex, mode }) => [path, sha256Hex, mode]));
}

test('a mount leads nowhere else', async () => {
  const sha256Hex = 'a'.repeat(64);
  for (const filename of ['/root/../../etc/passwd', 'relative.py', '/root/a\0b']) {
    const files = [modal.MountFile.create({ filename, sha256Hex })];
    const mount = control.client.mountGetOrCreate(modal.MountGetOrCreateRequest.create({ files }), control.good);
    await assert.rejects(mount, { kind: 'invalid-argument' }, filename);
  }
  for (const hash of ['../../keys/secrets.key', 'A'.repeat(64), '']) {
    const wrong = modal.MountPutFileRequest.create({ sha256Hex: hash, data: Buffer.from('x') });
    await assert.rejects(control.client.mountPutFile(wrong, control.good), { kind: 'invalid-argument' }, hash);
  }
  const other = modal.MountPutFileRequest.create({ sha256Hex, data: Buffer.from('x') });
  await assert.rejects(control.client.mountPutFile(other, control.good), { kind: 'invalid-argument' });
});

test('a full disk is said to be full, and leaves nothing', async (context: TestContext) => {
  if (process.getuid?.() !== 0) return context.skip('only root can mount a small file system');
  const folder = join(control.home, 'blobs');
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
  try {
    const bytes = randomBytes(1_000_000);
    const { upload } = await announced(bytes);
    const reply = await put(upload, bytes);
    assert.deepEqual([reply.status, /disk of the platform is full/.test(await reply.text())], [507, true]);
    const sha256Hex = sha256(bytes, 'hex');
    const small = modal.MountPutFileRequest.create({ sha256Hex, data: bytes });
    await assert.rejects(control.client.mountPutFile(small, control.good), {
      kind: 'resource-exhausted',
      message: /disk of the platform is full/,
    });
    assert.deepEqual(await stored(), []);
  } finally {
    await run('umount', [folder]);
  }
});
