import { subjects } from '@portico/contracts';
import { type Nats, subscribe } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import { createLiveRouters } from '../domain/live-routers.ts';
import type { LoadReporter } from './load-reporter.ts';

/** Counts the routers that share the limits, until disposed. A newcomer and the others know each other at once. */
export function countRouters(
  nats: Nats,
  onCount: (count: number) => void,
  reporter: LoadReporter,
  { routerId, log }: { readonly routerId: string; readonly log: Logger },
): AsyncDisposable {
  const routers = createLiveRouters(routerId);
  let told = 1;
  const onLoad = (report: { readonly routerId: string }): void => {
    routers.heard(report.routerId, performance.now());
    const isNewcomer = routers.count > told;
    if (routers.count !== told) onCount(routers.count);
    told = routers.count;
    if (isNewcomer) reporter.report();
  };
  const subscription = subscribe(nats, subjects.load, onLoad, log);
  reporter.report();
  return subscription;
}
