import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipConfOf, pipSettingsOf, uvTomlOf } from './pip-settings.ts';

const FILE = `
[global]
# ours
index-url = https://packages.example/simple
extra-index-url =
    https://one.example/simple
    https://two.example/simple
timeout: 60
[install]
index-url = https://elsewhere.example
`;

test('what pip.conf says goes into RUN steps, for pip and for uv', () => {
  const settings = pipSettingsOf(FILE, {});
  assert.equal(
    pipConfOf(settings),
    '[global]\nindex-url = https://packages.example/simple\nextra-index-url = https://one.example/simple\n    https://two.example/simple\ntimeout = 60\n',
  );
  assert.match(uvTomlOf(settings), /url = "https:\/\/packages\.example\/simple"\ndefault = true/);
});

test('variables win over the file', () => {
  const settings = pipSettingsOf(FILE, {
    PIP_INDEX_URL: 'https://mine.example',
    PIP_FIND_LINKS: '/opt/wheels https://w.example',
    PIP_NO_INDEX: '1',
  });
  assert.equal(settings.indexUrl, 'https://mine.example');
  assert.deepEqual(settings.findLinks, ['/opt/wheels', 'https://w.example']);
  assert.match(uvTomlOf(settings), /^no-index = true\nfind-links = \["\/opt\/wheels", "https:\/\/w\.example"\]/);
});

test('a machine without settings passes none on', () => {
  const settings = pipSettingsOf('[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n', {});
  assert.equal(pipConfOf(settings), '');
  assert.equal(uvTomlOf(settings), '');
});
