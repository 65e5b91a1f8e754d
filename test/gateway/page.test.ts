/** The page at the admin listener's `/`, in a real browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { askAdmin } from '../support/admin.ts';
import { startBrowser } from '../support/browser.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const hostile = '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>';
const many = Array.from({ length: 80 }, (_, i) => ({
  name: `many-${i}`,
  path: `/many/${i}`,
  respond: { status: 204 },
}));
const upstream = await recordingUpstream();
const [users, ...others] = [
  { name: 'users', path: '/users/*', upstream: 'api' },
  { name: 'limited', path: '/limited', respond: { status: 204 } },
  { name: hostile, path: '/hostile', respond: { status: 204 } },
  { name: 'w'.repeat(200), path: '/long', respond: { status: 204 } },
  ...many,
];
const config = {
  rateLimit: { perRoute: [{ path: '/limited', max: 1, windowMs: 3_600_000 }] },
  upstreams: [{ name: 'api', url: upstream.url, circuitBreaker: {} }],
  routes: [users, ...others],
};
const gateway = await startGateway({ config });
const openPage = await startBrowser();

test('the page shows what real requests do: rates, latency, statuses, limits, refusals, upstreams, workers', async () => {
  const { page, asked, complaints } = await openPage(gateway.adminUrl);
  for (let i = 0; i < 20; i++) await (await fetch(`${gateway.url}/users/${i}`)).arrayBuffer();
  for (let i = 0; i < 3; i++) await (await fetch(`${gateway.url}/limited`)).arrayBuffer();
  await (await fetch(`${gateway.url}/nowhere`)).arrayBuffer();
  const requests = page.locator('#routes tbody tr', { hasText: 'users' }).locator('td').last();
  await sees(() => requests.textContent(), '20');
  await sees(() => cellsOf(page, '#limits', 'limited'), ['limited', /^[\d.]+|<0\.1$/, /^[\d.]+|<0\.1$/, '0', '0']);
  await sees(() => page.locator('#refusals tbody tr', { hasText: 'no_route' }).locator('td').last().textContent(), '1');
  await sees(() => page.locator('#upstreams tbody tr', { hasText: 'api' }).textContent(), /127\.0\.0\.1:\d+closed/);
  await sees(() => page.locator('#workers tbody tr').textContent(), new RegExp(`^1${gateway.workers()[0]}serving`));
  await sees(() => page.locator('#state').textContent(), 'ready');
  assert.deepEqual([...new Set(asked.map((url) => new URL(url).pathname))].sort(), [
    '/',
    '/config',
    '/status',
    '/upstreams',
  ]);
  assert.ok(asked.every((url) => new URL(url).origin === gateway.adminUrl));
  assert.deepEqual(complaints, []);
});

test('a target that an operator has drained is told from those that get requests', async (t) => {
  const path = `POST /upstreams/api/targets/${new URL(upstream.url).host}`;
  t.after(() => askAdmin(gateway, `${path}/undrain`));
  await askAdmin(gateway, `${path}/drain?force=true`);
  const { page } = await openPage(gateway.adminUrl);
  await sees(() => page.locator('#upstreams tbody tr', { hasText: 'api' }).textContent(), /127\.0\.0\.1:\d+: drained/);
});

test('rates and charts go on for as long as requests come', async (t) => {
  const { page } = await openPage(gateway.adminUrl);
  let isOver = false;
  const traffic = (async () => {
    while (!isOver) await (await fetch(`${gateway.url}/many/1`)).arrayBuffer();
  })();
  t.after(async () => {
    isOver = true;
    await traffic;
  });
  await sees(() => page.locator('#numbers .value').first().textContent(), /^[1-9][\d,.]*\/s$/);
  const chart = page.locator('.chart svg').first();
  await sees(() => chart.getAttribute('aria-label'), /^Requests per second, now: all [1-9]/);
  await sees(() => chart.locator('path').first().getAttribute('d'), /^M.*L/);
  const busiest = page.locator('#routes tbody tr').first();
  await sees(() => busiest.locator('th').textContent(), 'many-1');
  await sees(() => busiest.locator('td').nth(2).textContent(), /^[\d.,]+$/);
});

test('names of the config stay text, whatever stands in them', async () => {
  const { page, complaints } = await openPage(gateway.adminUrl);
  await page.getByRole('searchbox', { name: 'Filter routes' }).fill('onerror');
  await sees(() => page.locator('#routes tbody th').allTextContents(), [hostile]);
  await page.getByRole('searchbox', { name: 'Find in the config' }).fill('<script>');
  await sees(() => page.locator('#config-text mark').allTextContents(), ['<script>']);
  assert.equal(await page.evaluate('window.hacked'), undefined);
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.deepEqual(complaints, []);
});

test('on a phone nothing but tables and the config scrolls aside', async () => {
  const { page } = await openPage(gateway.adminUrl, { viewport: { width: 360, height: 740 } });
  await page.locator('#routes tbody tr').first().waitFor();
  await sees(() => page.locator('#config-text').textContent(), /"routes"/);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
});

test('routes are sorted by any column and by keyboard, filtered, and shown by fifties', async () => {
  const { page } = await openPage(gateway.adminUrl);
  await sees(() => page.locator('#routes tbody tr').count(), 50);
  await page.getByRole('button', { name: /^Show all \d+$/ }).click();
  await sees(async () => (await page.locator('#routes tbody tr').count()) >= 84, true);
  const names = page.locator('#routes tbody th');
  await page.getByRole('searchbox', { name: 'Filter routes' }).fill('MANY-1');
  await page.locator('#routes').getByRole('button', { name: 'Route' }).press('Enter');
  const expected = ['many-1', ...Array.from({ length: 10 }, (_, i) => `many-${10 + i}`)];
  await sees(() => names.allTextContents(), expected);
  await page.locator('#routes').getByRole('button', { name: 'Route' }).press('Enter');
  await sees(() => names.allTextContents(), expected.toReversed());
  assert.equal(await page.locator('#routes th[aria-sort="descending"]').textContent(), 'Route');
});

test('the last reload is shown with what it changed, or with why it was refused', async () => {
  const { page } = await openPage(gateway.adminUrl);
  const changed = [{ ...users, timeout: 5000 }, ...others, { path: '/new', respond: { status: 204 } }];
  assert.equal(await gateway.reload({ ...config, routes: changed }), 'accepted');
  await sees(
    () => page.locator('#reload .diff li').allTextContents(),
    ['~ route users changed: timeout', '+ route /new added'],
  );
  await sees(() => page.locator('#facts').textContent(), /version 2/);
  await page.getByRole('searchbox', { name: 'Find in the config' }).fill('"/new"');
  await sees(() => page.locator('#config-found').textContent(), '1 line');
  assert.equal(await gateway.reload({ ...config, routes: [{ path: '/x', upstream: 'apj' }] }), 'rejected');
  await sees(() => page.locator('#reload').textContent(), /rejected.*version 2 stays in force.*did you mean "api"/);
});

test('with admin.token the page asks for it, tells a wrong one, and forgets it with the tab', async () => {
  const secret = 'a-long-secret-token';
  const locked = await startGateway({
    config: { admin: { token: secret }, routes: [{ name: 'only', path: '/*', respond: { status: 204 } }] },
  });
  const { page, asked } = await openPage(locked.adminUrl);
  const field = page.getByLabel('Token');
  await field.fill('wrong');
  await field.press('Enter');
  await sees(() => page.locator('#login-trouble').textContent(), 'The gateway does not take this token.');
  assert.equal(await page.locator('#view').isHidden(), true);
  await field.fill(secret);
  await page.getByRole('button', { name: 'Show the gateway' }).click();
  await sees(() => page.locator('#routes tbody th').allTextContents(), ['only']);
  assert.equal(await field.isHidden(), true);
  await sees(() => page.locator('#config-text').textContent(), /"token": "\[redacted\]"/);
  await page.reload();
  await sees(() => page.locator('#routes tbody th').allTextContents(), ['only']);
  assert.ok(asked.every((url) => !url.includes(secret)));
  const other = await openPage(locked.adminUrl);
  await other.page.getByLabel('Token').waitFor();
});

test('the page outlives the gateway: it says that there is no answer, and goes on with the next one', async () => {
  const config = { routes: [{ name: 'before', path: '/*', respond: { status: 204 } }] };
  const first = await startGateway({ config });
  const { page } = await openPage(first.adminUrl);
  await sees(() => page.locator('#routes tbody th').allTextContents(), ['before']);
  await first.stop();
  await sees(
    () => page.getByRole('alert').first().textContent(),
    /^No answer from the gateway since .*\. Asking again/,
  );
  const admin = { port: first.adminPort };
  await startGateway({ config: { admin, routes: [{ ...config.routes[0], name: 'after' }] }, waitFor: 'no' });
  await sees(() => page.locator('#routes tbody th').allTextContents(), ['after'], 40_000);
  await sees(() => page.locator('#trouble').isHidden(), true);
  await sees(() => page.locator('#config-text').textContent(), /"after"/);
});

/** Waits until it is so: the page asks each second, and a busy browser takes its time. */
async function sees(look: () => Promise<unknown>, expected: unknown, ms = 30_000): Promise<void> {
  let last: unknown;
  const ask = async (): Promise<true | null> => {
    last = await look().catch((error: Error) => error.message);
    return fits(last, expected) ? true : null;
  };
  await eventually(ask, 'the page', ms).catch(() => assert.deepEqual(last, expected));
}

function fits(value: unknown, expected: unknown): boolean {
  if (expected instanceof RegExp) return expected.test(String(value));
  if (!Array.isArray(expected)) return value === expected;
  return Array.isArray(value) && value.length === expected.length && expected.every((one, i) => fits(value[i], one));
}

/** Of the row with this name. */
function cellsOf(page: Page, table: string, name: string): Promise<string[]> {
  return page.locator(`${table} tbody tr`, { hasText: name }).locator('th, td').allTextContents();
}
