/** The manifests for Kubernetes agree with each other, with the image, and with the config that they bring. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { longestEndSeconds, type Manifest, readManifests, readSettings, variablesOf } from '../support/manifests.ts';

const folder = 'deploy/kubernetes';
const manifests = readManifests(folder);
const kustomization = ofKind('Kustomization');
const deployment = ofKind('Deployment');
const pod = deployment.spec.template.spec;
const [container] = pod.containers;
const settings = await readSettings(`${folder}/proxy.yml`, { REDIS_URL: 'redis://redis:6379', ADMIN_TOKEN: 'token' });

test('kustomize takes in every file, and no other', () => {
  const files = readdirSync(join(import.meta.dirname, '../..', folder));
  const manifestFiles = files.filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
  assert.deepEqual(new Set(kustomization.resources), new Set(manifestFiles));
});

test('the config passes the check without a word, and asks for nothing that the deployment does not set', () => {
  const set = container.env.map(({ name }: Manifest) => name);
  for (const name of variablesOf(`${folder}/proxy.yml`)) assert.ok(set.includes(name), `${name} is not set`);
});

test('the config comes as the folder in which the gateway looks, and under a name that lasts, so that it can be reloaded', () => {
  const [generated] = kustomization.configMapGenerator;
  const [volume] = pod.volumes;
  const [mount] = container.volumeMounts;
  assert.deepEqual(generated.files, ['proxy.yml']);
  assert.equal(volume.configMap.name, generated.name);
  assert.equal(mount.name, volume.name);
  assert.equal(mount.mountPath, '/app/config');
  assert.equal(mount.subPath, undefined);
  assert.equal(kustomization.generatorOptions.disableNameSuffixHash, true);
  assert.ok(container.args.includes('--watch'));
});

test('every probe asks a path that the gateway answers, on a port that it listens on', () => {
  const ports = new Map(container.ports.map(({ name, containerPort }: Manifest) => [name, containerPort]));
  assert.deepEqual(
    [...ports],
    [
      ['http', settings.proxy.port],
      ['admin', settings.admin.port],
    ],
  );
  assert.equal(settings.proxy.endpoints.health, true);
  // The kubelet comes from outside of the pod.
  assert.equal(settings.admin.host, '0.0.0.0');
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    const { path, port } = container[probe].httpGet;
    assert.ok(ports.has(port), `${probe}: port ${port}`);
    assert.equal(path, probe === 'readinessProbe' ? '/health/ready' : '/health/live');
  }
});

test('the grace period is longer than the preStop hook and the longest drain together', () => {
  const preStop = container.lifecycle.preStop.sleep.seconds;
  assert.ok(preStop > 0);
  const needed = preStop + longestEndSeconds(settings);
  assert.ok(pod.terminationGracePeriodSeconds > needed, `${pod.terminationGracePeriodSeconds} s, needs ${needed} s`);
});

test('a pod that ends is known to be ending before it stops accepting', () => {
  const { periodSeconds, failureThreshold } = container.readinessProbe;
  assert.ok(settings.proxy.shutdown.delayMs >= periodSeconds * failureThreshold * 1000);
});

test('whatever selects pods selects those of the deployment, by labels that they have', () => {
  const { labels } = deployment.spec.template.metadata;
  const selectors = [
    deployment.spec.selector.matchLabels,
    pod.topologySpreadConstraints[0].labelSelector.matchLabels,
    ofKind('PodDisruptionBudget').spec.selector.matchLabels,
    ofKind('NetworkPolicy').spec.podSelector.matchLabels,
    ...manifests.filter(({ kind }) => kind === 'Service').map(({ spec }) => spec.selector),
  ];
  for (const selector of selectors) {
    assert.ok(Object.keys(selector).length > 0);
    for (const [name, value] of Object.entries(selector)) assert.equal(labels[name], value);
  }
  assert.equal(ofKind('HorizontalPodAutoscaler').spec.scaleTargetRef.name, deployment.metadata.name);
  assert.equal(pod.serviceAccountName, ofKind('ServiceAccount').metadata.name);
});

test('services and the network policy name ports that the container has', () => {
  const names = container.ports.map(({ name }: Manifest) => name);
  const services = manifests.filter(({ kind }) => kind === 'Service');
  const used = [
    ...services.flatMap(({ spec }) => spec.ports.map(({ targetPort }: Manifest) => targetPort)),
    ...ofKind('NetworkPolicy').spec.ingress.flatMap(({ ports }: Manifest) => ports.map(({ port }: Manifest) => port)),
  ];
  for (const name of used) assert.ok(names.includes(name), name);
});

test('the container is locked up: no root, no capability, nothing to write to, no token of the cluster', () => {
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.ok(pod.securityContext.runAsUser > 0);
  assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
  assert.equal(pod.automountServiceAccountToken, false);
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
});

test('a replacement of all pods takes none away before another serves', () => {
  assert.equal(deployment.spec.strategy.rollingUpdate.maxUnavailable, 0);
  assert.equal(deployment.spec.replicas, undefined, 'the autoscaler says how many: each apply would set it back');
});

test('limits that hold over all pods are kept in Redis', () => {
  assert.equal(settings.rateLimit.backend, 'redis');
});

function ofKind(kind: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  assert.equal(found.length, 1, kind);
  return found[0];
}
