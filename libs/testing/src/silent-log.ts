import { createLogger } from '@portico/telemetry';

/** A logger for tests: nothing is printed unless PORTICO_TEST_LOG names a level. */
export const silentLog = createLogger('test', process.env['PORTICO_TEST_LOG'] ?? 'silent');
