import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipConfOf, pipSettingsOf, uvTomlOf } from '../domain/pip-settings.ts';

/** What RUN steps get of this machine and of the recipe's secrets, without the image keeping it. */
export interface RunAmendments {
  /** Writes the amendments of one build into its folder; returns the file that the runtime reads. */
  write(folder: string, secrets: ReadonlyMap<string, string>): Promise<string>;
}

export interface MachineSettings {
  /** The certificates that this machine trusts; undefined = pass none on. */
  readonly caBundle: string | undefined;
  /** PIP_* variables of this machine. */
  readonly pipVariables: Readonly<Record<string, string | undefined>>;
}

/** Where programs look for certificates; an image that sets one of these keeps its own. */
const TRUST_VARIABLES = [
  'SSL_CERT_FILE',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'NODE_EXTRA_CA_CERTS',
  'CARGO_HTTP_CAINFO',
  'AWS_CA_BUNDLE',
];

/** pip reads this one before /etc/pip.conf, so what the image says there wins. */
const PIP_CONF = '/etc/xdg/pip/pip.conf';
const UV_TOML = '/etc/uv/uv.toml';

/** Downloads that pip would keep are never used again: each layer is built once. */
const DEFAULTS = { PIP_NO_CACHE_DIR: '1' };

interface BoundFile {
  readonly source: string;
  readonly target: string;
}

export function createRunAmendments({ caBundle, pipVariables }: MachineSettings): RunAmendments {
  return {
    async write(folder, secrets) {
      const hasBundle = caBundle !== undefined && (await stat(caBundle).catch(() => undefined)) !== undefined;
      const file = join(folder, 'amendments.json');
      const amendments = {
        environment: Object.fromEntries(secrets),
        defaults: DEFAULTS,
        ...(hasBundle ? { trust: { bundle: caBundle, variables: TRUST_VARIABLES } } : {}),
        files: await packageSettings(folder, pipVariables),
      };
      await writeFile(file, JSON.stringify(amendments), { mode: 0o600 });
      return file;
    },
  };
}

async function packageSettings(folder: string, pipVariables: MachineSettings['pipVariables']): Promise<BoundFile[]> {
  const pipConf = await readFile('/etc/pip.conf', 'utf8').catch(() => '');
  const settings = pipSettingsOf(pipConf, pipVariables);
  const folders: string[] = [];
  const findLinks: string[] = [];
  for (const place of settings.findLinks) {
    const isLocal = place.startsWith('/');
    if (!isLocal || (await hasFiles(place))) findLinks.push(place);
    if (isLocal && findLinks.includes(place)) folders.push(place);
  }
  const files: BoundFile[] = folders.map((place) => ({ source: place, target: place }));
  const passed = { ...settings, findLinks };
  for (const [target, text] of [
    [PIP_CONF, pipConfOf(passed)],
    [UV_TOML, (await readFile(UV_TOML, 'utf8').catch(() => '')) || uvTomlOf(passed)],
  ] as const) {
    if (text === '') continue;
    const source = join(folder, target.split('/').pop() ?? '');
    await writeFile(source, text, { mode: 0o644 });
    files.push({ source, target });
  }
  return files;
}

async function hasFiles(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}
