import { nodeAgent } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { type ServedApi, serveAll } from '@portico/grpc';
import type { Containers } from '../containers.ts';
import type { Driver } from '../domain/driver.ts';

export function nodeApi(containers: Containers, driver: Driver, describe: () => nodeAgent.Node): ServedApi {
  return serveAll(nodeAgent.NodeAgentServiceService, {
    stopContainer({ containerId, graceful }) {
      const container = containers.get(containerId);
      if (!container)
        throw new DomainError('not-found', 'container.not_found', `There is no container ${containerId} on this node.`);
      container.drain('asked to stop', !graceful);
      return {};
    },
    async listContainers() {
      const listed = await Promise.all(containers.all().map((container) => usageOf(driver, container.report)));
      return { containers: listed, node: describe() };
    },
  });
}

async function usageOf(driver: Driver, container: nodeAgent.Container): Promise<nodeAgent.ContainerUsage> {
  const stats = await driver.stats(container.containerId);
  return {
    container,
    memoryBytes: BigInt(stats?.memoryBytes ?? 0),
    cpuUsageMs: BigInt(stats?.cpuUsageMs ?? 0),
    processId: stats?.processId ?? 0,
  };
}
