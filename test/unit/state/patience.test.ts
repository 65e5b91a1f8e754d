/** How long an answer is waited for, with a real event loop that is held up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { Patience, patienceMs } from '../../../src/state/patience.ts';
import { within } from '../../support/deadline.ts';

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

test('what gets no answer is late, once, and neither early nor long after its time', async () => {
  const patience = new Patience();
  const begunAt = performance.now();
  let times = 0;
  await within(new Promise<void>((resolve) => patience.wait(() => resolve(void times++))), 'the wait to be over');
  const tookMs = performance.now() - begunAt;
  assert.ok(tookMs >= patienceMs - 10, `${tookMs} ms`);
  await new Promise((resolve) => setTimeout(resolve, 2 * patienceMs));
  assert.equal(times, 1);
});

test('an answer that has arrived while the event loop was held up is read before anything is late', async () => {
  const [here, there] = await socketPair();
  const patience = new Patience();
  let isLate = false;
  const answered = new Promise<void>((resolve) => {
    const wait = patience.wait(() => {
      isLate = true;
      resolve();
    }, 10);
    here.once('data', () => {
      patience.end(wait);
      resolve();
    });
  });
  there.write('an answer');
  holdUp(100);
  await within(answered, 'the answer');
  assert.equal(isLate, false);
});

test('a pause counts as no more than a moment', async () => {
  const patience = new Patience();
  let isLate = false;
  const wait = patience.wait(() => (isLate = true));
  for (let i = 0; i < 2; i++) {
    holdUp(200);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(isLate, false);
  patience.end(wait);
});

function holdUp(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

async function socketPair(): Promise<[Socket, Socket]> {
  const here = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[there]] = (await Promise.all([once(server, 'connection'), once(here, 'connect')])) as [[Socket], unknown];
  after(() => {
    here.destroy();
    there.destroy();
  });
  return [here, there];
}
