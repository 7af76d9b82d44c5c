import { metrics } from '@opentelemetry/api';
import { observeProcess } from './process-metrics.ts';
import { spanIdGenerator } from './span-ids.ts';

/**
 * Starts OpenTelemetry for one service. Traces and metrics leave over OTLP when
 * `endpoint` (OTEL_EXPORTER_OTLP_ENDPOINT) is set; without it nothing is collected and nothing costs.
 * No auto-instrumentation: spans are made in the libs, one place each.
 */
export async function startTelemetry(service: string, endpoint: string | undefined): Promise<AsyncDisposable> {
  if (!endpoint) return { [Symbol.asyncDispose]: async () => {} };
  // Loaded only here: the SDK costs 35 MB of memory and 0.3 s of start.
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK({
    serviceName: `portico-${service}`,
    instrumentations: [],
    autoDetectResources: false,
    idGenerator: spanIdGenerator,
  });
  sdk.start();
  const observed = observeProcess(service);
  return {
    async [Symbol.asyncDispose]() {
      observed[Symbol.dispose]();
      await sdk.shutdown().catch(() => undefined);
    },
  };
}

/** The meter of a service; instruments made from it cost nothing until telemetry runs. */
export function meterOf(service: string) {
  return metrics.getMeter(`portico-${service}`);
}
