/** What a request is told apart by where the same client shall always get the same answer: `ip`, `consumer` or `header:NAME`. */
import type { Exchange } from '../contracts/exchange.ts';
import { networkOf } from './ip.ts';

export type HashKey = (x: Exchange) => string;

/** A request without consumer, or without that field, is told apart by its client's address. */
export function compileHashKey(selector: string): HashKey {
  if (selector === 'consumer') return consumerOf;
  if (!selector.startsWith('header:')) return addressOf;
  const name = selector.slice('header:'.length).toLowerCase();
  return (x) => valueOf(x.head.rawHeaders, name) ?? addressOf(x);
}

function addressOf(x: Exchange): string {
  return networkOf(x.head.client.ip);
}

function consumerOf(x: Exchange): string {
  return x.consumer === '' ? addressOf(x) : x.consumer;
}

function valueOf(raw: readonly string[], name: string): string | null {
  for (let i = 0; i < raw.length; i += 2) {
    const field = raw[i] as string;
    if (field.length === name.length && field.toLowerCase() === name) return raw[i + 1] as string;
  }
  return null;
}
