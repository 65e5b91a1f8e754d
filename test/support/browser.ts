/** A headless Chromium, and pages that keep what a good page never does. */
import { after } from 'node:test';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export interface WatchedPage {
  readonly page: Page;
  /** Every address that it asked for. */
  readonly asked: string[];
  /** Errors of its script, violations of its policy, and what else stands in the console as an error. */
  readonly complaints: string[];
}

/** Debian's; another one is named by CHROMIUM. */
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

type OpenPage = (url: string, options?: BrowserContextOptions) => Promise<WatchedPage>;

/** One browser for all tests of a file, called outside of them; a page has nothing of another's. */
export async function startBrowser(): Promise<OpenPage> {
  // Root may not use the sandbox, and containers seldom have the shared memory that it expects.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  after(() => browser.close());
  return async (url, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const watched = watch(page);
    await page.goto(url);
    return watched;
  };
}

function watch(page: Page): WatchedPage {
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { page, asked, complaints };
}
