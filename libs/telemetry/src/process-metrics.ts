import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { metrics } from '@opentelemetry/api';

const NANOSECONDS = 1e9;

/** What every process tells of itself. */
export function observeProcess(service: string): Disposable {
  const meter = metrics.getMeter(`portico-${service}`);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const memory = meter.createObservableGauge('process.memory.usage', { unit: 'By', description: 'Resident memory' });
  const cpu = meter.createObservableCounter('process.cpu.time', { unit: 's', description: 'User and system time' });
  const lag = meter.createObservableGauge('nodejs.eventloop.delay.p99', {
    unit: 's',
    description: 'How late the event loop was, since it was last told',
  });
  meter.addBatchObservableCallback(
    (result) => {
      const { user, system } = process.cpuUsage();
      result.observe(memory, process.memoryUsage.rss());
      result.observe(cpu, (user + system) / 1e6);
      result.observe(lag, delay.percentile(99) / NANOSECONDS);
      delay.reset();
    },
    [memory, cpu, lag],
  );
  return { [Symbol.dispose]: () => void delay.disable() };
}
