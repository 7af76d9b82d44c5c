import type { Bind, RunSpec } from './driver.ts';
import { seccompProfile } from './seccomp.ts';

/** What root may still do inside: enough for package managers and servers, nothing that reaches out. */
const capabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

const maskedPaths = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const CPU_PERIOD_US = 100_000;

/** The OCI runtime configuration (config.json) of a container. */
export function ociConfigOf(spec: RunSpec, cgroupsPath: string): object {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: spec.args,
      env: [...spec.environment].map(([name, value]) => `${name}=${value}`),
      cwd: spec.workingDirectory,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: spec.limits.openFiles, soft: spec.limits.openFiles }],
      noNewPrivileges: true,
    },
    root: { path: spec.rootDir, readonly: false },
    hostname: spec.hostName,
    mounts: [...standardMounts, ...spec.binds.map(bindMount)],
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'network', path: spec.networkNamespace },
      ],
      cgroupsPath,
      resources: resourcesOf(spec.limits),
      seccomp: seccompProfile,
      maskedPaths,
      readonlyPaths,
    },
  };
}

function resourcesOf({ memoryBytes, cpuMillis, cpuWeightMillis, processes }: RunSpec['limits']): object {
  return {
    devices: [{ allow: false, access: 'rwm' }],
    pids: { limit: processes },
    ...(memoryBytes > 0 ? { memory: { limit: memoryBytes, swap: memoryBytes } } : {}),
    cpu: {
      shares: Math.max(2, Math.round((cpuWeightMillis * 1024) / 1000)),
      ...(cpuMillis > 0 ? { quota: Math.round((cpuMillis * CPU_PERIOD_US) / 1000), period: CPU_PERIOD_US } : {}),
    },
  };
}

const standardMounts = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'nodev', 'mode=1777'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
];

function bindMount({ source, destination, isReadOnly }: Bind): object {
  return { destination, type: 'bind', source, options: ['rbind', 'nosuid', 'nodev', ...(isReadOnly ? ['ro'] : [])] };
}
