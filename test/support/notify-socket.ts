/** The socket that systemd gives to a service with `Type=notify`. Node can't open one, so Perl does, which every Debian has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after } from 'node:test';
import { eventually } from './deadline.ts';

export interface NotifySocket {
  /** For a service that shall find it. */
  readonly env: Readonly<Record<string, string>>;
  /** Every datagram so far, each as its lines; without those by which the sender waits until it has been read. */
  readonly messages: readonly (readonly string[])[];
}

/** Closed when the test or the file that opened it is over. */
export async function openNotifySocket(): Promise<NotifySocket> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-notify-'));
  const path = join(folder, 'socket');
  const receiver = spawn('perl', ['-e', receive, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => {
    receiver.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  let text = '';
  receiver.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await Promise.race([once(receiver, 'error').then(([error]) => Promise.reject(error)), untilOpen(() => text)]);
  return {
    env: { NOTIFY_SOCKET: path, PATH: `${process.env['PATH']}${delimiter}${folderWithSender(folder)}` },
    get messages() {
      return text
        .split('\0')
        .slice(1, -1)
        .map((message) => message.trimEnd().split('\n'))
        .filter(([first]) => first !== 'BARRIER=1');
    },
  };
}

async function untilOpen(read: () => string): Promise<void> {
  await eventually(() => (read().startsWith('open\0') ? true : null), 'the socket of the service manager');
}

/** Behind the machine's own in PATH: for machines without systemd. */
function folderWithSender(folder: string): string {
  const file = join(folder, 'systemd-notify');
  writeFileSync(file, `#!/usr/bin/perl\n${send}`);
  chmodSync(file, 0o755);
  return folder;
}

const receive = `
use Socket; $| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($socket, sockaddr_un($ARGV[0])) or die $!;
print "open\\0";
while (defined recv($socket, my $message, 65536, 0)) { print "$message\\0" if length $message }
`;

const send = `
use Socket;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
connect($socket, sockaddr_un($ENV{NOTIFY_SOCKET})) or die $!;
send($socket, join("\\n", @ARGV), 0) or die $!;
`;
