import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStartArguments, UsageError } from '../../../supervisor/arguments.ts';

test('without flags, the config file is the one of the environment or the usual one', () => {
  assert.deepEqual(readStartArguments('start', [], {}), {
    configFile: 'config/proxy.yml',
    workers: null,
    watch: 'nothing',
  });
  assert.equal(readStartArguments('start', [], { SLUICE_CONFIG: '/etc/sluice.yml' }).configFile, '/etc/sluice.yml');
});

test('flags win', () => {
  const args = readStartArguments('start', ['--config', 'a.yml', '--workers=3', '--watch'], { SLUICE_CONFIG: 'b.yml' });
  assert.deepEqual(args, { configFile: 'a.yml', workers: 3, watch: 'config' });
  assert.equal(readStartArguments('dev', [], {}).watch, 'config and code');
});

test('what can’t be understood is refused', () => {
  for (const argv of [['--wrokers', '2'], ['--workers', '0'], ['--workers', '1.5'], ['--workers'], ['file.yml']]) {
    assert.throws(() => readStartArguments('start', argv, {}), UsageError);
  }
});
