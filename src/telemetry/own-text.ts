/** Texts of a request as spans keep them. */
import { Buffer } from 'node:buffer';

const maxLength = 2000;

/**
 * At most so much of it, and a copy: a piece of a larger text would keep all of that in memory for as long as the span
 * waits for the collector.
 */
export function ownText(text: string): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return Buffer.from(shown).toString();
}
