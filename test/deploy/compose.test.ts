/** docker-compose.yml: every config in it is good, every file and address that it names is there. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { longestEndSeconds, type Manifest, readSettings, readYaml, variablesOf } from '../support/manifests.ts';

const root = join(import.meta.dirname, '../..');
const { services, volumes } = readYaml('docker-compose.yml');
const gateways = Object.entries<Manifest>(services).filter(([, { image }]) => image === 'sluice');

test('the config of each gateway passes the check without a word, and its variables are set', async () => {
  assert.deepEqual(
    gateways.map(([name]) => name),
    ['gateway', 'orders', 'billing'],
  );
  for (const [name, { environment = {} }] of gateways) {
    await readSettings(configOf(name), environment);
    for (const variable of variablesOf(configOf(name))) assert.ok(variable in environment, `${name}: ${variable}`);
  }
});

test('the upstreams of the gateway are services that listen where it asks', async () => {
  const { upstreams } = await readSettings(configOf('gateway'), services.gateway.environment);
  for (const { targets } of upstreams) {
    for (const { url } of targets) {
      const { hostname, port } = new URL(url);
      assert.ok(hostname in services.gateway.depends_on, hostname);
      const { proxy } = await readSettings(configOf(hostname), {});
      assert.equal(String(proxy.port), port);
    }
  }
});

test('the port that is published is the gateway’s, and the admin listener stays inside', async () => {
  const { proxy, admin } = await readSettings(configOf('gateway'), services.gateway.environment);
  assert.deepEqual(services.gateway.ports, [`${proxy.port}:${proxy.port}`]);
  const [job] = readYaml('deploy/prometheus/prometheus.yml').scrape_configs;
  // The alerts ask for this job.
  assert.equal(job.job_name, 'sluice');
  assert.deepEqual(job.static_configs[0].targets, [`gateway:${admin.port}`]);
  assert.equal(job.authorization.credentials, admin.token);
});

test('it is given longer to end than it needs', async () => {
  const needed = longestEndSeconds(await readSettings(configOf('gateway'), services.gateway.environment));
  const given = Number.parseInt(services.gateway.stop_grace_period, 10);
  assert.ok(given > needed, `${given} s, needs ${needed} s`);
});

test('every file that is mounted is there, every volume declared, and the gateway can write nowhere', () => {
  for (const [name, { volumes: mounts = [], read_only: readOnly }] of Object.entries<Manifest>(services)) {
    for (const mount of mounts) {
      const [source = ''] = mount.split(':');
      assert.ok(source.startsWith('./') ? existsSync(join(root, source)) : source in volumes, `${name}: ${source}`);
    }
    if (gateways.some(([gateway]) => gateway === name)) assert.equal(readOnly, true, name);
  }
  assert.ok(existsSync(join(root, 'grafana/dashboard.json')));
  for (const file of readYaml('deploy/prometheus/prometheus.yml').rule_files) {
    assert.ok(existsSync(join(root, 'deploy/prometheus', file)), file);
  }
});

test('images of others have a version', () => {
  for (const { image } of Object.values<Manifest>(services)) {
    if (image !== 'sluice') assert.match(image, /:v?\d+\.\d+/);
  }
});

/** The file that a service's `command` names, as it lies here. */
function configOf(service: string): string {
  const { command, volumes: mounts } = services[service];
  const file = command.includes('--config') ? command[command.indexOf('--config') + 1] : 'config/proxy.yml';
  const mount = mounts.find((text: string) => text.includes(':/app/config'));
  return join(mount.split(':')[0], file.replace('config/', ''));
}
