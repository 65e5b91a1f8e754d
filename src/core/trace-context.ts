/** W3C Trace Context (levels 1 and 2): a client's trace is continued with the gateway as its next step, or one begins. */
import type { TraceContext } from '../contracts/exchange.ts';
import { createHexSource, type HexSource } from './random-ids.ts';

/**
 * The lists hold the values of traceparent and tracestate as sent. Only a single valid traceparent is continued, and
 * only then does tracestate mean anything (section 3.3). A trace that begins here is marked as not recorded.
 */
export function continueTrace(
  traceparents: readonly string[],
  tracestates: readonly string[],
  nextHex: HexSource = ownHex,
): TraceContext {
  const sent = traceparents.length === 1 ? (traceparents[0] as string) : '';
  if (!isValidTraceparent(sent)) {
    const traceId = nextHex(32);
    return { traceId, traceparent: `00-${traceId}-${nextHex(16)}-00`, tracestate: '' };
  }
  const traceId = sent.slice(3, 35);
  return {
    traceId,
    traceparent: `00-${traceId}-${nextHex(16)}-0${knownFlags(sent)}`,
    tracestate: joinTracestate(tracestates),
  };
}

const ownHex = createHexSource();

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
