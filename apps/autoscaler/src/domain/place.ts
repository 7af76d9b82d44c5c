/** What one container asks of a node. */
export interface Demand {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** A node as far as placing cares. */
export interface PlaceableNode extends Demand {
  readonly nodeId: string;
  /** What the containers on it have asked for. */
  readonly usedCpuMillis: number;
  readonly usedMemoryBytes: number;
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

/** The nodes after one more container was placed. */
export function withPlaced(nodes: readonly PlaceableNode[], nodeId: string, demand: Demand): PlaceableNode[] {
  return nodes.map((node) =>
    node.nodeId === nodeId
      ? {
          ...node,
          usedCpuMillis: node.usedCpuMillis + demand.cpuMillis,
          usedMemoryBytes: node.usedMemoryBytes + demand.memoryBytes,
        }
      : node,
  );
}

/** Why nothing fits, for people. */
export function noRoom(nodes: readonly PlaceableNode[], { cpuMillis, memoryBytes }: Demand): string {
  if (nodes.length === 0) return 'no node is there to run it';
  const mebibytes = Math.ceil(memoryBytes / 1024 ** 2);
  return `no node has room for ${mebibytes} MiB of memory and ${cpuMillis / 1000} CPU`;
}

function loadOf(node: PlaceableNode): number {
  return Math.max(node.usedMemoryBytes / node.memoryBytes, node.usedCpuMillis / (node.cpuMillis * CPU_OVERCOMMIT));
}
