import type { control, imageBuilder, nodeAgent } from '@portico/contracts';
import type { RunSpec } from './driver.ts';
import { commandOf } from './run-command.ts';

export interface RunSpecNeeds {
  readonly report: nodeAgent.Container;
  readonly dir: string;
  /** What the container shares with this process. */
  readonly runDir: string;
  readonly rootDir: string;
  readonly lease: { readonly path: string };
  readonly spec: control.ContainerSpec;
  readonly image: imageBuilder.ImageConfig;
  readonly memoryBytes: number;
  /** How long its requests may take to end once it drains. */
  readonly graceMs: number;
  /** What this process itself may have open. */
  readonly openFilesMax: number;
  readonly stdout: number;
  readonly stderr: number;
}

const PROCESSES_MAX = 4_096;
const DEFAULT_CPU_MILLIS = 125;
const OPEN_FILES = 65_536;

/** What the runtime is told about one container. */
export function runSpecOf({
  report,
  dir,
  runDir,
  rootDir,
  lease,
  spec,
  image,
  memoryBytes,
  graceMs,
  openFilesMax,
  stdout,
  stderr,
}: RunSpecNeeds): RunSpec {
  const { args, environment, workingDirectory } = commandOf(spec, image);
  const resources = spec.pool?.resources;
  return {
    containerId: report.containerId,
    bundleDir: dir,
    rootDir,
    networkNamespace: lease.path,
    args,
    environment: new Map([...environment, ['PORTICO_DRAIN_SECONDS', String(graceMs / 1_000)]]),
    workingDirectory,
    hostName: 'modal',
    binds: [
      { source: runDir, destination: '/__portico/run', isReadOnly: false },
      { source: '/etc/resolv.conf', destination: '/etc/resolv.conf', isReadOnly: true },
      {
        source: '/etc/ssl/certs/ca-certificates.crt',
        destination: '/etc/ssl/certs/ca-certificates.crt',
        isReadOnly: true,
      },
    ],
    limits: {
      memoryBytes,
      cpuMillis: resources?.cpuMaxMillis ?? 0,
      cpuWeightMillis: resources?.cpuMillis || DEFAULT_CPU_MILLIS,
      processes: PROCESSES_MAX,
      openFiles: Math.min(OPEN_FILES, openFilesMax),
    },
    stdout,
    stderr,
  };
}
