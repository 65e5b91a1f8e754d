/** Checks of `upstreams`: each has a name of its own and targets that may and can be reached. */
import type { BlockList } from 'node:net';
import { isAddressRange } from '../core/address-ranges.ts';
import { compileAllowedHosts } from '../core/allowed-hosts.ts';
import { buildBlockList, isBlockedLiteral } from '../core/blocked-addresses.ts';
import { checkClientTls } from './check-certificates.ts';
import { type Checking, checkMethods, checkSelector, present, reportLint } from './checking.ts';
import { isAllowedHost, isLabel, parseUrl } from './formats.ts';
import type { KeyPath } from './problem.ts';
import { locate } from './read.ts';
import type { UpstreamEntry } from './schema.ts';
import type { Loose } from './shape.ts';

type Entry = Loose<UpstreamEntry>;

export function checkUpstreams(checking: Checking): void {
  const { file } = checking;
  checkNames(checking, 'upstreams', file.upstreams ?? []);
  const blocked = buildBlockList(present(file.security?.blockedIPs).filter(isAddressRange));
  const allows = compileAllowedHosts(present(file.security?.allowedHosts).filter(isAllowedHost));
  file.upstreams?.forEach((upstream, i) => {
    if (upstream !== undefined) checkUpstream(checking, ['upstreams', i], upstream, { blocked, allows });
  });
}

/** Names of upstreams, or of routes: each only once, and fit to be a label. */
export function checkNames(
  { findings }: Checking,
  list: 'upstreams' | 'routes',
  entries: readonly ({ readonly name?: string | undefined } | undefined)[],
): void {
  const seen = new Map<string, number>();
  entries.forEach((entry, i) => {
    const name = entry?.name;
    if (name === undefined) return;
    const path = [list, i, 'name'];
    const first = seen.get(name);
    if (!isLabel(name)) {
      findings.error(path, `${findings.show(path)} can't be a name`, {
        expected: 'one line of at most 200 characters',
      });
    } else if (first !== undefined) {
      const { line } = locate(findings.source, [list, first, 'name']);
      findings.error(
        path,
        `${findings.show(path)} is already the name of ${list}[${first}] (${findings.source.file}:${line})`,
      );
    }
    if (first === undefined) seen.set(name, i);
  });
}

interface Hosts {
  readonly blocked: BlockList;
  readonly allows: (hostname: string) => boolean;
}

function checkUpstream(checking: Checking, path: KeyPath, upstream: Entry, hosts: Hosts): void {
  checkOneSource(checking, path);
  checkTargetUrl(checking, [...path, 'url'], upstream.url, hosts);
  upstream.targets?.forEach((target, i) => {
    checkTargetUrl(checking, [...path, 'targets', i, 'url'], target?.url, hosts);
  });
  checkRepeated(checking, [...path, 'targets'], upstream.targets);
  checkWeights(checking, [...path, 'targets'], upstream.targets);
  checkBalance(checking, path, upstream);
  const retries = typeof upstream.retries === 'object' ? upstream.retries : undefined;
  checkMethods(checking, [...path, 'retries', 'methods'], retries?.methods);
  checkHealthPath(checking, [...path, 'healthCheck', 'path'], upstream.healthCheck?.path);
  checkTls(checking, path, upstream);
}

function checkOneSource({ findings }: Checking, path: KeyPath): void {
  const kinds = ['url', 'targets', 'builtin'];
  const found = kinds.filter((key) => findings.has([...path, key]));
  if (found.length === 1) return;
  const message =
    found.length === 0 ? 'says nowhere to send requests' : `says where to send requests ${found.length} times`;
  const [, second] = found;
  findings.error(second === undefined ? path : [...path, second], message, {
    at: 'key',
    value: null,
    expected: 'one of url, targets and builtin',
  });
}

/** They would share one verdict of the health checks, and one label. */
function checkRepeated({ findings }: Checking, path: KeyPath, targets: Entry['targets']): void {
  const urls = targets?.map((target) => target?.url) ?? [];
  urls.forEach((url, i) => {
    const first = urls.indexOf(url);
    if (url === undefined || first === i) return;
    const urlPath = [...path, i, 'url'];
    findings.warn(urlPath, `${findings.show(urlPath)} is targets[${first}] already: give that one more weight instead`);
  });
}

/** At least one of them must get something. */
export function checkWeights(
  { findings }: Checking,
  path: KeyPath,
  entries: readonly ({ readonly weight?: number | undefined } | undefined)[] | undefined,
): void {
  if (entries === undefined || entries.length === 0 || entries.some((entry) => entry?.weight !== 0)) return;
  findings.error(path, 'all weights are 0, so that nothing could be chosen', { value: null, expected: 'one above 0' });
}

function checkTargetUrl(checking: Checking, path: KeyPath, text: string | undefined, hosts: Hosts): void {
  if (text === undefined) return;
  const { findings } = checking;
  const shown = findings.show(path);
  const url = parseUrl(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const what = url === null ? 'is no url' : 'is no url of an HTTP server';
    findings.error(path, `${shown} ${what}`, {
      expected: 'a url such as http://orders:8080 or https://api.example.com',
      suggestion: withScheme(text, shown),
    });
    return;
  }
  if (url.username !== '' || url.password !== '') {
    findings.error(path, `${shown} holds a user or password`, {
      expected: 'the credentials in request.headers.set of the routes',
    });
  }
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    findings.error(path, `${shown} holds a query or fragment`, {
      expected: 'scheme, host, port and a base path at most',
    });
  }
  if (url.port === '0') findings.error(path, `${shown} names port 0`, { expected: 'a port from 1 to 65535' });
  const ownPort = checking.file.proxy?.port ?? defaultPort;
  const [ownProtocol, usualPort] = checking.file.proxy?.tls === undefined ? ['http:', 80] : ['https:', 443];
  if (isLoopbackName(url.hostname) && url.protocol === ownProtocol && Number(url.port || usualPort) === ownPort) {
    findings.warn(path, `${shown} is the gateway's own port: requests would go in circles until their time is up`);
  }
  checkTargetHost(checking, path, url.hostname, hosts);
}

/** proxy.port when nothing is said. */
const defaultPort = 3000;

function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** For "localhost:8080"; not for what came out of a reference, which may be secret. */
function withScheme(text: string, shown: string): string | null {
  const isPlain = /^[a-z0-9.-]+(:\d+)?(\/[\w./-]*)?$/i.test(text) && shown === JSON.stringify(text);
  return isPlain && parseUrl(`http://${text}`) !== null ? `http://${text}` : null;
}

function checkTargetHost(checking: Checking, path: KeyPath, hostname: string, { blocked, allows }: Hosts): void {
  const shown = checking.findings.show(path);
  if (isBlockedLiteral(hostname, blocked)) {
    checking.findings.error(
      path,
      `${shown} is an address that must not be reached: a cloud metadata service, or one of security.blockedIPs`,
    );
    return;
  }
  if (allows(hostname)) return;
  reportLint(checking, path, `the host of ${shown} is not in security.allowedHosts, so that its requests are refused`);
}

function checkBalance(checking: Checking, path: KeyPath, upstream: Entry): void {
  checkSelector(checking, [...path, 'hashOn'], upstream.hashOn, ['ip', 'consumer']);
  if (upstream.hashOn === undefined || upstream.balance === 'consistent-hash') return;
  checking.findings.warn([...path, 'hashOn'], 'does nothing without `balance: consistent-hash`');
}

function checkHealthPath({ findings }: Checking, path: KeyPath, text: string | undefined): void {
  if (text === undefined || /^\/[!-~]*$/.test(text)) return;
  findings.error(path, `${findings.show(path)} is no path`, { expected: 'a path such as /healthz' });
}

function checkTls(checking: Checking, path: KeyPath, upstream: Entry): void {
  const { tls } = upstream;
  if (tls === undefined) return;
  const { findings } = checking;
  const tlsPath = [...path, 'tls'];
  checkClientTls(checking, tlsPath, tls, 'this upstream');
  const urls = [upstream.url, ...(upstream.targets ?? []).map((target) => target?.url)];
  if (urls.some((url) => url !== undefined) && !urls.some((url) => url?.toLowerCase().startsWith('https:'))) {
    findings.warn(tlsPath, 'does nothing: no url of this upstream is https', { at: 'key', value: null });
  }
}
