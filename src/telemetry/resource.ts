/** Who sends: what every span, metric and log record says of the gateway that it comes from. */
import { hostname } from 'node:os';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions';
import { readVersion } from '../core/version.ts';

/**
 * OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word. An instance is a gateway with all its workers: the
 * port tells it apart from others on its host, and stays the same when it is started again.
 */
export function describeGateway(port: number): Resource {
  const own = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: scope.name,
    [ATTR_SERVICE_VERSION]: scope.version,
    [ATTR_SERVICE_INSTANCE_ID]: `${hostname()}:${port}`,
    'host.name': hostname(),
  });
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
}

/** What made them; always the same object, by which the exporters put them together. */
export const scope = { name: 'sluice', version: readVersion() } as const;
