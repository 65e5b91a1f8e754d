/** A worker of the comparison: answers its pid, and counts what an arrangement needs to know. */
import http from 'node:http';
import type { Socket } from 'node:net';

const body = `${process.pid}\n`;
const server = http.createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
  response.setHeader('content-length', body.length);
  if (leaving) response.setHeader('connection', 'close');
  response.end(body);
});
let leaving = false;
let open = 0;
let passed = false;
server.on('connection', (socket) => {
  open++;
  socket.on('error', () => {});
  socket.on('close', () => {
    open--;
    if (passed && process.connected) process.send?.('closed', undefined, undefined, () => {});
    leaveWhenIdle();
  });
});

process.on('disconnect', () => process.exit());
process.on('message', (message: unknown, handle: unknown) => {
  if (message === 'listen') {
    server.listen(handle as { fd: number }, 4096, () => process.send?.('listening'));
  } else if (message === 'connection') {
    passed = true;
    if (handle === undefined) return; // the client has gone
    server.emit('connection', handle);
    (handle as Socket).resume();
  } else if (message === 'usage') {
    process.send?.({ usage: process.cpuUsage() });
  } else if (message === 'leave') {
    leave();
  }
});
process.send?.('started');

/** Stops accepting, answers what has arrived, closes what stays silent for half a second. */
function leave(): void {
  leaving = true;
  server.close(() => {});
  setTimeout(() => server.closeIdleConnections(), 500);
  leaveWhenIdle();
}

function leaveWhenIdle(): void {
  if (leaving && open === 0) setTimeout(() => process.exit(), 100);
}
