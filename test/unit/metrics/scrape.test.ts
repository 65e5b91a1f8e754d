/** The exposition text between supervisor and worker: whole, in small pieces, one at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScrapeClient, type ScrapePiece, sendScraped } from '../../../src/metrics/scrape.ts';

test('a large text arrives whole, in pieces of at most 64 KB, each after the one before was written', async () => {
  const text = [Buffer.alloc(1_000_000, 'a'), Buffer.alloc(10, 'b')];
  const sizes: number[] = [];
  let writing = 0;
  const client = new ScrapeClient(({ id }) => {
    void sendScraped(id, text, async (piece) => {
      assert.equal(++writing, 1);
      await new Promise(setImmediate);
      writing--;
      sizes.push(piece.chunk.length);
      client.receive(piece);
    });
  });
  const parts = await client.scrape('text');
  assert.deepEqual(Buffer.concat(parts), Buffer.concat(text));
  assert.ok(Math.max(...sizes) <= 64 * 1024);
});

test('who asks while another waits gets the same answer, and who asks later a new one', async () => {
  const asked: number[] = [];
  const client = new ScrapeClient(({ id }) => asked.push(id));
  const both = [client.scrape('text'), client.scrape('text')];
  client.receive(piece(1, 'x'));
  await Promise.all(both);
  const next = client.scrape('text');
  client.receive(piece(2, 'y'));
  assert.equal(Buffer.concat(await next).toString(), 'y');
  assert.deepEqual(asked, [1, 2]);
});

test('no text is an error, and so is no answer; a late answer disturbs nobody', async () => {
  const client = new ScrapeClient(() => {});
  const none = client.scrape('text');
  client.receive(piece(1, ''));
  await assert.rejects(none, /restarting/);
  await assert.rejects(client.scrape('text', 10), /in time/);
  const next = client.scrape('text');
  client.receive(piece(2, 'late'));
  client.receive(piece(3, 'now'));
  assert.equal(Buffer.concat(await next).toString(), 'now');
});

function piece(id: number, text: string): ScrapePiece {
  return { type: 'scraped', id, chunk: Buffer.from(text), last: true };
}
