/** Checks of `proxy` and `admin`: addresses that can be listened on, networks that can be trusted, files that exist. */
import { isIP } from 'node:net';
import { isAddressRange } from '../core/address-ranges.ts';
import { checkAuthorities, checkCertificate } from './check-certificates.ts';
import type { Checking } from './checking.ts';
import { isHostName } from './formats.ts';
import type { KeyPath } from './problem.ts';

export function checkListeners(checking: Checking): void {
  checkHost(checking, ['proxy', 'host'], checking.file.proxy?.host);
  checkHost(checking, ['admin', 'host'], checking.file.admin?.host);
  checkSamePort(checking);
  checkAdminIsGuarded(checking);
  checkRanges(checking, ['proxy', 'trustedProxies'], checking.file.proxy?.trustedProxies);
  checkTls(checking);
  checkDnsServers(checking);
}

export function checkRanges(
  { findings }: Checking,
  path: KeyPath,
  ranges: readonly (string | undefined)[] | undefined,
): void {
  ranges?.forEach((range, i) => {
    if (range === undefined || isAddressRange(range)) return;
    findings.error([...path, i], `${findings.show([...path, i])} is no address and no CIDR`, {
      expected: 'an address such as 10.1.2.3, or a CIDR such as 10.0.0.0/8',
    });
  });
}

function checkHost({ findings }: Checking, path: KeyPath, host: string | undefined): void {
  if (host === undefined || isIP(host) !== 0 || isHostName(host)) return;
  findings.error(path, `${findings.show(path)} is no address to listen on`, {
    expected: 'an address such as 0.0.0.0, :: or 127.0.0.1, without a port',
  });
}

function checkDnsServers({ file, findings }: Checking): void {
  file.proxy?.dns?.servers?.forEach((server, i) => {
    if (server === undefined || isServerAddress(server)) return;
    const path = ['proxy', 'dns', 'servers', i];
    findings.error(path, `${findings.show(path)} is no address of a DNS server`, {
      expected: 'an address such as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:5353',
    });
  });
}

function isServerAddress(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  return isIP(text) !== 0 || isIP(bracketed ?? '') === 6 || isIP(plain ?? '') === 4;
}

function checkSamePort({ file, findings }: Checking): void {
  const port = file.proxy?.port ?? 3000;
  const adminPort = file.admin?.port ?? 9901;
  if (port === 0 || port !== adminPort) return;
  const isSet = file.admin?.port !== undefined;
  findings.error(isSet ? ['admin', 'port'] : ['proxy', 'port'], `${port} is the port of both proxy and admin`, {
    expected: 'two ports, or 0 to do without admin',
  });
}

function checkAdminIsGuarded({ file, findings }: Checking): void {
  const { host = '127.0.0.1', port = 9901, token } = file.admin ?? {};
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (isLocal || port === 0 || typeof token === 'string' || findings.has(['admin', 'token'])) return;
  findings.warn(
    ['admin', 'host'],
    `${findings.show(['admin', 'host'])} lets other machines ask admin; set a token too`,
  );
}

function checkTls(checking: Checking): void {
  const tls = checking.file.proxy?.tls;
  if (tls === undefined) return;
  tls.certificates?.forEach((certificate, i) => {
    const path = ['proxy', 'tls', 'certificates', i];
    checkCertificate(checking, [...path, 'cert'], certificate?.cert, [...path, 'key'], certificate?.key);
  });
  checkAuthorities(checking, ['proxy', 'tls', 'clientCa'], tls.clientCa);
  const asksClients = tls.clientAuth !== undefined && tls.clientAuth !== 'none';
  if (asksClients && !checking.findings.has(['proxy', 'tls', 'clientCa'])) {
    checking.findings.error(
      ['proxy', 'tls', 'clientAuth'],
      'asks clients for certificates, but nothing tells which to trust',
      {
        expected: 'clientCa beside it',
      },
    );
  }
}
