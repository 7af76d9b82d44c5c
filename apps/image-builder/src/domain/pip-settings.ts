/** What of a machine's pip settings RUN steps need to reach the same packages. */
export interface PipSettings {
  readonly indexUrl?: string;
  readonly extraIndexUrls: readonly string[];
  readonly trustedHosts: readonly string[];
  readonly findLinks: readonly string[];
  readonly timeoutSeconds?: string;
  readonly isOffline: boolean;
}

/** Reads pip.conf and PIP_* variables as pip does: variables win. */
export function pipSettingsOf(pipConf: string, env: Readonly<Record<string, string | undefined>>): PipSettings {
  const inFile = globalSection(pipConf);
  const value = (key: string): string | undefined =>
    env[`PIP_${key.replaceAll('-', '_').toUpperCase()}`] || inFile.get(key);
  const words = (key: string): string[] => (value(key) ?? '').split(/\s+/).filter(Boolean);
  const indexUrl = value('index-url');
  const timeoutSeconds = value('default-timeout') ?? value('timeout');
  return {
    ...(indexUrl ? { indexUrl } : {}),
    ...(timeoutSeconds ? { timeoutSeconds } : {}),
    extraIndexUrls: words('extra-index-url'),
    trustedHosts: words('trusted-host'),
    findLinks: words('find-links'),
    isOffline: /^(1|true|yes|on)$/i.test(value('no-index') ?? ''),
  };
}

function globalSection(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let section = '';
  let last = '';
  for (const line of text.split('\n')) {
    const header = /^\[([^\]]+)\]/.exec(line)?.[1];
    const [, key, value = ''] = /^([\w-]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (header !== undefined) section = header.trim();
    else if (section !== 'global' || /^\s*[#;]/.test(line)) continue;
    else if (key) {
      last = key.replaceAll('_', '-').toLowerCase();
      found.set(last, value.trim());
    } else if (/^\s+\S/.test(line) && last) found.set(last, `${found.get(last) ?? ''} ${line.trim()}`.trim());
  }
  return found;
}

/** A pip.conf with these settings; empty when there is nothing to say. */
export function pipConfOf(settings: PipSettings): string {
  const entries: [string, string][] = [];
  if (settings.indexUrl) entries.push(['index-url', settings.indexUrl]);
  if (settings.extraIndexUrls.length > 0) entries.push(['extra-index-url', settings.extraIndexUrls.join('\n    ')]);
  if (settings.trustedHosts.length > 0) entries.push(['trusted-host', settings.trustedHosts.join('\n    ')]);
  if (settings.findLinks.length > 0) entries.push(['find-links', settings.findLinks.join('\n    ')]);
  if (settings.timeoutSeconds) entries.push(['timeout', settings.timeoutSeconds]);
  if (settings.isOffline) entries.push(['no-index', 'true']);
  if (entries.length === 0) return '';
  return `[global]\n${entries.map(([key, value]) => `${key} = ${value}`).join('\n')}\n`;
}

/** The same for uv, which reads neither pip's files nor its variables. */
export function uvTomlOf(settings: PipSettings): string {
  const text = (value: string): string => JSON.stringify(value);
  const indexes = [
    ...settings.extraIndexUrls.map((url) => `[[index]]\nurl = ${text(url)}\n`),
    ...(settings.indexUrl ? [`[[index]]\nurl = ${text(settings.indexUrl)}\ndefault = true\n`] : []),
  ];
  const lines = [
    ...(settings.isOffline ? ['no-index = true'] : []),
    ...(settings.findLinks.length > 0 ? [`find-links = [${settings.findLinks.map(text).join(', ')}]`] : []),
    ...(settings.trustedHosts.length > 0
      ? [`allow-insecure-host = [${settings.trustedHosts.map(text).join(', ')}]`]
      : []),
  ];
  return [...lines, ...indexes].map((line) => `${line}\n`).join('');
}
