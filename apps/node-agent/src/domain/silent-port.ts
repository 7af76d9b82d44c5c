const LISTEN = '0A';

/**
 * Why a server can't be reached at its port, from the kernel's tables of the sockets in its network namespace
 * (`/proc/PID/net/tcp` and `tcp6`, see proc_pid_net(5)); undefined when it can.
 */
export function whyUnreachable(tables: string, port: number, startupTimeoutMs: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const addresses = tables
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && local?.endsWith(suffix))
    .map(([, local]) => local ?? '');
  if (addresses.some((address) => !isLoopback(address))) return undefined;
  if (addresses.length > 0)
    return `The server listens on 127.0.0.1:${port} only, where nobody outside of the container reaches it. Bind it to 0.0.0.0 instead of 127.0.0.1 or localhost.`;
  return `Nothing listened on port ${port} within ${startupTimeoutMs / 1000} seconds. Check that the server starts and uses this port, bind it to 0.0.0.0, or raise startup_timeout.`;
}

/** Addresses are words of 32 bits in the byte order of the machine; all that Portico runs on are little-endian. */
function isLoopback(address: string): boolean {
  return /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F):/.test(address);
}
