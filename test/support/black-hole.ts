/** An address that swallows connections: they are neither accepted nor refused. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after } from 'node:test';
import { within } from './deadline.ts';
import { killGroupAtExit } from './processes.ts';

/** Of connections that nobody accepts Linux keeps one more than the backlog, and drops the SYNs of all others. */
const backlog = 1;
const listenForever = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: ${backlog} }, () => console.log(server.address().port));
`;

/** The port of 127.0.0.1 that has it; gone when the test or file that opened it is over. */
export async function openBlackHole(): Promise<number> {
  const child = spawn(process.execPath, ['-e', listenForever], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.pid !== undefined) killGroupAtExit(child.pid);
  const fillers: Socket[] = [];
  after(() => {
    for (const filler of fillers) filler.destroy();
    child.kill('SIGKILL');
  });
  const [line] = (await within(once(child.stdout.setEncoding('utf8'), 'data'), 'a port to fill')) as [string];
  const port = Number(line);
  // From here on it accepts nothing.
  child.kill('SIGSTOP');
  for (let i = 0; i <= backlog; i++) {
    const filler = connect(port, '127.0.0.1');
    fillers.push(filler);
    await within(once(filler, 'connect'), 'the backlog to fill');
    filler.on('error', () => {});
  }
  return port;
}
