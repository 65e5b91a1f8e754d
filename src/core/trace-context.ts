/** W3C Trace Context (levels 1 and 2): a client's trace is continued with the gateway as its next step, or one begins. */
import type { TraceContext } from '../contracts/exchange.ts';
import { createHexSource, type HexSource } from './random-ids.ts';

/**
 * The lists hold the values of traceparent and tracestate as sent. Only a single valid traceparent is continued, and
 * only then does tracestate mean anything (section 3.3). Whether a continued trace is recorded has been decided where it
 * began; of those that begin here, `sampleRatio` are.
 */
export function continueTrace(
  traceparents: readonly string[],
  tracestates: readonly string[],
  sampleRatio: number,
  nextHex: HexSource = ownHex,
): TraceContext {
  const sent = traceparents.length === 1 ? (traceparents[0] as string) : '';
  if (!isValidTraceparent(sent)) return beginTrace(sampleRatio, nextHex);
  const traceId = sent.slice(3, 35);
  const flags = knownFlags(sent);
  return {
    traceId,
    parentId: sent.slice(36, 52),
    isSampled: (flags & sampled) !== 0,
    traceparent: `00-${traceId}-${nextHex(16)}-0${flags}`,
    tracestate: joinTracestate(tracestates),
  };
}

function beginTrace(sampleRatio: number, nextHex: HexSource): TraceContext {
  const traceId = nextHex(32);
  const isSampled = sampleRatio > 0 && isInRatio(traceId, sampleRatio);
  const traceparent = `00-${traceId}-${nextHex(16)}-0${isSampled ? sampled : 0}`;
  return { traceId, parentId: '', isSampled, traceparent, tracestate: '' };
}

/**
 * By the trace id alone, so that everybody who knows the ratio decides the same, and whoever takes more takes these too:
 * its last seven bytes are as good as random (level 2, section 3.2.2.4), and the highest of them are taken.
 */
export function isInRatio(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(18), 16) >= (1 - ratio) * 2 ** 56;
}

const ownHex = createHexSource();
/** The flag. */
const sampled = 1;

/** `version-traceid-parentid-flags` in lower-case hex. What a future version appends is not ours to read (section 4.3). */
function isValidTraceparent(text: string): boolean {
  if (text.length < 55) return false;
  if (!isHex(text, 0, 2) || !isHex(text, 3, 35) || !isHex(text, 36, 52) || !isHex(text, 53, 55)) return false;
  if (text.charCodeAt(2) !== dash || text.charCodeAt(35) !== dash || text.charCodeAt(52) !== dash) return false;
  if (isZero(text, 3, 35) || isZero(text, 36, 52) || text.startsWith('ff')) return false;
  if (text.length === 55) return true;
  return !text.startsWith('00') && text.charCodeAt(55) === dash;
}

/** Sampled (1), and random trace id (2, from level 2); other bits are not to be passed on. */
function knownFlags(traceparent: string): number {
  const code = traceparent.charCodeAt(54);
  const digit = code < 58 ? code - 48 : code - 87;
  return digit & 3;
}

/** Several fields are one list. What is no list of at most 32 members is dropped whole (section 3.3.1.4). */
function joinTracestate(lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const joined = lines.join(',');
  const members = joined.split(',').filter((member) => member.trim() !== '');
  return members.length <= maxMembers && members.every((member) => memberForm.test(member)) ? joined : '';
}

const maxMembers = 32;
/** Section 3.3.1.3: a key, perhaps of a tenant at a system, and a value of printable characters. */
const memberForm =
  /^[ \t]*[a-z0-9][a-z0-9_*/-]{0,255}(@[a-z0-9][a-z0-9_*/-]{0,13})?=[ -+\--<>-~]{0,255}[!-+\--<>-~][ \t]*$/;

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}

function isZero(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) !== 48) return false;
  return true;
}

const dash = 45;
