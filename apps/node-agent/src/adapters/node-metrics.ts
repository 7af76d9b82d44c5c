import { nodeAgent } from '@portico/contracts';
import { meterOf } from '@portico/telemetry';

/** What a node counts of its containers. */
export interface NodeMetrics {
  /** From the placement being seen to the container being ready. */
  started(seconds: number): void;
  ended(reason: nodeAgent.ExitReason): void;
}

const names = Object.entries(nodeAgent.ExitReason);

export function createNodeMetrics(): NodeMetrics {
  const meter = meterOf('node-agent');
  const starts = meter.createHistogram('portico.container.start.duration', {
    unit: 's',
    description: 'From the placement to a container that is ready',
  });
  const exits = meter.createCounter('portico.container.exits', {
    description: 'Containers that have ended, by reason',
  });
  return {
    started: (seconds) => starts.record(seconds),
    ended: (reason) => exits.add(1, { 'exit.reason': names.find(([, value]) => value === reason)?.[0] ?? '' }),
  };
}

/** How many containers the node has, by state, each time somebody asks. */
export function observeContainers(list: () => readonly nodeAgent.Container[]): void {
  const gauge = meterOf('node-agent').createObservableGauge('portico.node.containers', {
    description: 'Containers of the node, by state',
  });
  const { STARTING, READY, DRAINING } = nodeAgent.ContainerState;
  gauge.addCallback((result) => {
    const reports = list();
    for (const [name, state] of Object.entries({ starting: STARTING, ready: READY, draining: DRAINING }))
      result.observe(reports.filter((report) => report.state === state).length, { 'container.state': name });
  });
}
