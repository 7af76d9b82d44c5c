import { autoscaler, control, nodeAgent } from '@portico/contracts';
import { connectGrpc } from '@portico/grpc';
import { socketOf } from '@portico/service';
import { residentBytesOf } from '../adapters/process-table.ts';
import type { Config } from '../config.ts';
import { isReady, runningSupervisor } from '../instance.ts';
import { say, sizeText, tableOf } from '../terminal.ts';

export interface ServiceStatus {
  readonly name: string;
  readonly state: 'ready' | 'starting' | 'restarting';
  readonly pid: number | undefined;
  readonly memoryBytes: number;
  readonly restarts: number;
  readonly upSeconds: number;
  readonly lastExit: string;
}

export interface NodeStatus {
  readonly nodeId: string;
  readonly hostName: string;
  readonly runtime: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

export interface AppStatus {
  readonly appId: string;
  readonly name: string;
  readonly environment: string;
  readonly phase: string;
  readonly version: number;
  readonly hosts: readonly string[];
}

export interface ContainerStatus {
  readonly containerId: string;
  readonly appId: string;
  readonly function: string;
  readonly state: string;
  readonly memoryBytes: number;
  readonly pid: number;
}

export interface PoolStatus {
  readonly poolId: string;
  readonly appId: string;
  readonly function: string;
  readonly wanted: number;
  readonly ready: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly reason: string;
}

/** Everything `status --json` prints. A list is undefined while the service that knows it is away. */
export interface Status {
  readonly isRunning: boolean;
  readonly services: readonly ServiceStatus[];
  readonly nodes: readonly NodeStatus[] | undefined;
  readonly apps: readonly AppStatus[] | undefined;
  readonly pools: readonly PoolStatus[] | undefined;
  readonly containers: readonly ContainerStatus[] | undefined;
}

const CALL = { deadlineMs: 2_000 };

export async function status(config: Config, { isJson }: { isJson: boolean }): Promise<void> {
  const found = await readStatus(config);
  say(isJson ? JSON.stringify(found, undefined, 2) : textOf(found));
}

async function readStatus({ home }: Config): Promise<Status> {
  const supervisor = runningSupervisor(home);
  if (!supervisor) return { isRunning: false, services: [], nodes: [], apps: [], pools: [], containers: [] };
  const [services, machine, apps, pools] = await Promise.all([
    Promise.all(supervisor.processes.map((state) => serviceStatus(home, state))),
    orUndefined(readMachine(home)),
    orUndefined(readApps(home)),
    orUndefined(readPools(home)),
  ]);
  return { isRunning: true, services, nodes: machine?.nodes, apps, pools, containers: machine?.containers };
}

/** A service that is away leaves its part out; the others still say theirs. */
function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch(() => undefined);
}

async function serviceStatus(home: string, state: Parameters<typeof isReady>[1]): Promise<ServiceStatus> {
  const pid = state.process?.pid;
  return {
    name: state.name,
    state: pid === undefined ? 'restarting' : (await isReady(home, state)) ? 'ready' : 'starting',
    pid,
    memoryBytes: pid === undefined ? 0 : residentBytesOf(pid),
    restarts: state.restarts,
    upSeconds: Math.round((Date.now() - state.startedAtMs) / 1000),
    lastExit: state.lastExit,
  };
}

async function readMachine(home: string): Promise<{ nodes: NodeStatus[]; containers: ContainerStatus[] }> {
  await using agent = connectGrpc(nodeAgent.NodeAgentServiceService, `unix://${socketOf(home, 'node-agent')}`);
  const { containers, node } = await agent.listContainers(nodeAgent.ListContainersRequest.create({}), CALL);
  return {
    nodes: node
      ? [
          {
            nodeId: node.nodeId,
            hostName: node.hostName,
            runtime: node.runtime,
            cpuMillis: node.cpuMillis,
            memoryBytes: Number(node.memoryBytes),
          },
        ]
      : [],
    containers: containers.map(({ container, memoryBytes, processId }) => ({
      containerId: container?.containerId ?? '',
      appId: container?.appId ?? '',
      function: container?.functionTag ?? '',
      state: stateNames[container?.state ?? 0] ?? 'unknown',
      memoryBytes: Number(memoryBytes),
      pid: processId,
    })),
  };
}

const stateNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(nodeAgent.ContainerState).map(([name, number]) => [number, name.toLowerCase()]),
);

async function readApps(home: string): Promise<AppStatus[]> {
  await using operator = connectGrpc(control.OperatorServiceService, `unix://${socketOf(home, 'control')}`);
  const { apps } = await operator.listApps(control.ListAppsRequest.create({}), CALL);
  return apps.map(({ appId, name, environmentName, phase, version, hosts }) => {
    return { appId, name, environment: environmentName, phase, version, hosts };
  });
}

async function readPools(home: string): Promise<PoolStatus[]> {
  await using scaler = connectGrpc(autoscaler.AutoscalerServiceService, `unix://${socketOf(home, 'autoscaler')}`);
  const { pools } = await scaler.describePools(autoscaler.DescribePoolsRequest.create({}), CALL);
  // A pool that wants nothing, has nothing and waits for nothing tells nothing.
  const alive = pools.filter((pool) => pool.wanted + pool.starting + pool.ready + pool.queued + pool.failedStarts > 0);
  return alive.map(({ poolId, appId, functionTag, wanted, ready, inFlight, queued, reason }) => {
    return { poolId, appId, function: functionTag, wanted, ready, inFlight, queued, reason };
  });
}

function textOf({ isRunning, services, nodes, apps, pools, containers }: Status): string {
  if (!isRunning) return 'Portico is not running; ./portico up starts it.';
  return [
    section(services, ['SERVICE', 'STATE', 'PID', 'MEMORY', 'RESTARTS', 'UP'], (row) => [
      row.name,
      row.state,
      String(row.pid ?? '-'),
      sizeText(row.memoryBytes),
      String(row.restarts),
      `${row.upSeconds} s`,
    ]),
    section(nodes, ['NODE', 'HOST', 'RUNTIME', 'CPUS', 'MEMORY'], (row) => [
      row.nodeId,
      row.hostName,
      row.runtime,
      String(row.cpuMillis / 1000),
      sizeText(row.memoryBytes),
    ]),
    section(apps, ['APP', 'NAME', 'ENVIRONMENT', 'STATE', 'VERSION', 'HOSTS'], (row) => [
      row.appId,
      row.name,
      row.environment,
      row.phase,
      String(row.version),
      row.hosts.join(' '),
    ]),
    section(pools, ['POOL', 'FUNCTION', 'WANTED', 'READY', 'IN FLIGHT', 'QUEUED', 'WHY'], (row) => [
      row.poolId,
      row.function,
      String(row.wanted),
      String(row.ready),
      String(row.inFlight),
      String(row.queued),
      row.reason,
    ]),
    section(containers, ['CONTAINER', 'APP', 'FUNCTION', 'STATE', 'MEMORY', 'PID'], (row) => [
      row.containerId,
      row.appId,
      row.function,
      row.state,
      sizeText(row.memoryBytes),
      String(row.pid),
    ]),
  ].join('\n\n');
}

function section<T>(
  rows: readonly T[] | undefined,
  heading: readonly string[],
  cellsOf: (row: T) => readonly string[],
): string {
  const kind = heading[0]?.toLowerCase() ?? '';
  if (rows === undefined) return `${heading[0]}\n(not known just now)`;
  if (rows.length === 0) return `No ${kind}s.`;
  return tableOf([heading, ...rows.map(cellsOf)]);
}
