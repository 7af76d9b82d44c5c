/** A node as far as placing cares. */
export interface PlaceableNode {
  readonly nodeId: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** What the containers on it have asked for. */
  readonly usedCpuMillis: number;
  readonly usedMemoryBytes: number;
}

export interface Demand {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** CPU may be promised several times over, since idle containers use none; memory may not. */
const CPU_OVERCOMMIT = 16;

/** The least loaded node that fits; undefined when none does. */
export function place(nodes: readonly PlaceableNode[], demand: Demand): string | undefined {
  const fitting = nodes.filter(
    (node) =>
      node.usedMemoryBytes + demand.memoryBytes <= node.memoryBytes &&
      node.usedCpuMillis + demand.cpuMillis <= node.cpuMillis * CPU_OVERCOMMIT,
  );
  return fitting.sort((a, b) => loadOf(a) - loadOf(b) || a.nodeId.localeCompare(b.nodeId))[0]?.nodeId;
}

function loadOf(node: PlaceableNode): number {
  return Math.max(node.usedMemoryBytes / node.memoryBytes, node.usedCpuMillis / (node.cpuMillis * CPU_OVERCOMMIT));
}
