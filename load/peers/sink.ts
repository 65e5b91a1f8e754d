/** An upstream that reads each body to its end and answers `ok`: `sink.ts PORT`. For benchmarks with large bodies. */
import { createServer } from 'node:http';

createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end('ok'));
}).listen(Number(process.argv[2]), '127.0.0.1');
