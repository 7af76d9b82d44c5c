import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandResult, runConfined } from './command.ts';

/** Runs small programs of ours inside an image, which they can't change and from which they can't reach anything. */
export interface InsideImage {
  run(layers: readonly string[], args: readonly string[], options: InsideOptions): Promise<CommandResult>;
}

export interface InsideOptions {
  readonly environment: ReadonlyMap<string, string>;
  /** A folder that the program may change, and where it sees it. */
  readonly writable?: { readonly source: string; readonly target: string };
  readonly timeoutMs: number;
}

/** What the program writes goes to memory and is gone with it. */
const SCRIPT = `
mount -t tmpfs -o size=256m tmpfs "$2/scratch"
mkdir "$2/scratch/upper" "$2/scratch/work"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/scratch/upper,workdir=$2/scratch/work" "$2/rootfs"
exec "$3" --root "$2/scratch/state" run --bundle "$2" "$4"
`;

/** `workDir` holds one folder per run, `ociRuntime` is runc or one that takes the same arguments. */
export function createInsideImage(workDir: string, ociRuntime: string): InsideImage {
  return {
    async run(layers, args, options) {
      await mkdir(workDir, { recursive: true, mode: 0o700 });
      const folder = await mkdtemp(join(workDir, `${process.pid}-`));
      try {
        await mkdir(join(folder, 'rootfs'));
        await mkdir(join(folder, 'scratch'));
        await writeFile(join(folder, 'config.json'), JSON.stringify(bundleOf(args, options)));
        const name = `portico-look-${randomBytes(6).toString('hex')}`;
        return await runConfined('sh', ['-euc', SCRIPT, 'sh', layers.join(':'), folder, ociRuntime, name], {
          timeoutMs: options.timeoutMs,
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function bundleOf(args: readonly string[], { environment, writable }: InsideOptions): object {
  const scratch = { type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] };
  const bound = writable
    ? [
        {
          destination: writable.target,
          type: 'bind',
          source: writable.source,
          options: ['bind', 'rw', 'nosuid', 'nodev'],
        },
      ]
    : [];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args,
      env: [...environment].map(([name, value]) => `${name}=${value}`),
      cwd: '/',
      // Enough to write into a folder of root, and nothing else.
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: false },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      { destination: '/dev/shm', ...scratch },
      { destination: '/tmp', ...scratch },
      ...bound,
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}
