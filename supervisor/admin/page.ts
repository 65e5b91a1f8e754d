/**
 * The page at `/`: one document with its style and its script inside, put together when the listener starts. It holds
 * nothing of the gateway; what it shows it asks for, with the token if there is one.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AdminAnswer } from './endpoint.ts';

/** In this order their functions and constants come to stand in one module. */
const scripts = ['text', 'dom', 'chart', 'table', 'tables', 'session', 'upstreams', 'config', 'reload', 'main'];

export function readPage(): AdminAnswer {
  const style = read('style.css');
  const script = scripts.map((name) => inline(read(`${name}.js`))).join('\n');
  const page = read('index.html')
    .replace('<!-- style -->', () => style)
    .replace('<!-- script -->', () => script);
  const headers = ['Content-Type', 'text/html; charset=utf-8', 'Content-Security-Policy', policyFor(style, script)];
  return { status: 200, headers: [...headers, ...rules], body: [Buffer.from(page)] };
}

/** Files of a page that has no other addresses can't import each other, and need not: they share one scope. */
function inline(source: string): string {
  return source.replace(/^import [^;]*;\n/gm, '').replace(/^export /gm, '');
}

/** Only this style and this script, no markup out of text, and no other address than the listener's. */
function policyFor(style: string, script: string): string {
  return [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** Beside those that every answer of the listener carries. */
const rules = [
  'Referrer-Policy',
  'no-referrer',
  'Cross-Origin-Opener-Policy',
  'same-origin',
  'X-Frame-Options',
  'DENY',
];

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function read(file: string): string {
  return readFileSync(new URL(`../page/${file}`, import.meta.url), 'utf8');
}
