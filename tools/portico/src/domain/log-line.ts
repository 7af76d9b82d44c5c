/** One line of a service's log, as far as people want to read it. */
export interface LogLine {
  /** ISO time; empty for lines that are not JSON. */
  readonly time: string;
  readonly level: string;
  readonly service: string;
  readonly message: string;
  /** What else the line says, as `key=value`. */
  readonly details: readonly string[];
}

const KNOWN = new Set(['time', 'level', 'service', 'msg', 'err', 'event', 'pid']);

/** Total: what is no JSON is a message. */
export function parseLogLine(line: string): LogLine {
  const fields = fieldsOf(line);
  if (!fields) return { time: '', level: '', service: '', message: line.trim(), details: [] };
  const { time = '', level = '', service = '', msg = '', err } = fields;
  const rest = Object.entries(fields).filter(([key]) => !KNOWN.has(key));
  return {
    time: String(time),
    level: String(level),
    service: String(service),
    message: String(msg),
    details: [...rest.map(([key, value]) => `${key}=${textOf(value)}`), ...causesOf(err)],
  };
}

/** The line as it is shown in a terminal. */
export function renderLogLine(line: LogLine, service: string): string {
  const head = [line.time.slice(11, 23), line.level.padEnd(5), (line.service || service).padEnd(13), line.message];
  const details = line.details.length > 0 ? `  ${line.details.join(' ')}` : '';
  return line.time === '' ? `${service}: ${line.message}` : `${head.join(' ')}${details}`;
}

function fieldsOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** pino writes an error as an object whose `stack` holds the chain of causes. */
function causesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const { stack, message } = error as { stack?: string; message?: string };
  return [`\n    ${(stack ?? message ?? '').replaceAll('\n', '\n    ')}`];
}
