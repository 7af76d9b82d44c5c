import type { control, imageBuilder } from '@portico/contracts';

export interface Command {
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly workingDirectory: string;
}

const PATH = '/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin';

/** What runs in the container: the runner on the image's Python, or the image's own program. */
export function commandOf(spec: control.ContainerSpec, image: imageBuilder.ImageConfig): Command {
  const base = new Map([
    ['PATH', PATH],
    ['HOME', '/root'],
    ['LANG', 'C.UTF-8'],
    ...image.environment,
    ...spec.environment,
  ]);
  if (spec.plainImage) {
    return {
      args: [...image.entrypoint, ...image.command],
      environment: base,
      workingDirectory: image.workingDirectory || '/',
    };
  }
  const pythonPath = ['/pkg', '/root', base.get('PYTHONPATH')].filter(Boolean).join(':');
  const environment = new Map([...base, ['PYTHONPATH', pythonPath], ['PYTHONUNBUFFERED', '1']]);
  return {
    args: ['python3', '/__portico/runner/start.py'],
    environment,
    workingDirectory: image.workingDirectory || '/root',
  };
}
