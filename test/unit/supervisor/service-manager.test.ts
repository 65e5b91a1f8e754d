/** A service manager that can't be told is no reason to end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findServiceManager } from '../../../supervisor/service-manager.ts';
import { eventually } from '../../support/deadline.ts';

test('a process that can not be started is told in the log, each time, and the gateway lives on', async () => {
  const warnings: string[] = [];
  const silent = (): void => {};
  const warn = (_: object, message: string): void => void warnings.push(message);
  const log = { debug: silent, info: silent, warn, error: silent, fatal: silent };
  const serviceManager = findServiceManager({ NOTIFY_SOCKET: '/nowhere' }, log);
  // The kernel refuses arguments of this length, and Node throws that.
  const status = 'x'.repeat(200_000);
  serviceManager.tell('READY', status);
  serviceManager.tell('STOPPING', status);
  await eventually(() => (warnings.length === 2 ? true : null), 'both warnings');
  for (const warning of warnings) assert.match(warning, /systemd-notify can not be run/);
});
