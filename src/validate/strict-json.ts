/**
 * JSON in the one reading that all parsers share (RFC 8259, and I-JSON, RFC 7493): UTF-8 without a mark, no name twice
 * in an object, no half characters, no numbers beyond a double, and no deeper than 64. Whoever is behind the gateway
 * may take the first of two names where we took the last: then something else would have been checked than is used.
 * One pass over the bytes, without recursion.
 */
import { isUtf8 } from 'node:buffer';
import type { Violation } from '../contracts/refusal.ts';
import { MemberNames } from './member-names.ts';
import { pointerTo } from './schema/report.ts';

/** Arrays and objects inside of each other: what parsers with a stack take without harm. */
export const deepest = 64;

/** The first thing that is wrong; null: JSON that all read alike. */
export function findJsonFault(bytes: Buffer): Violation | null {
  if (!isUtf8(bytes)) return { path: '', message: 'is not valid UTF-8' };
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return { path: '', message: 'begins with a byte order mark, which JSON has not' };
  }
  return new Scan(bytes).run();
}

type Next = 'value' | 'value or end' | 'name' | 'name or end' | 'comma or end';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** By depth: the index of the item that is being read; -1: an object. Of the one scan that runs. */
const items = new Int32Array(deepest + 1);

class Scan {
  readonly #bytes: Buffer;
  #at = 0;
  #depth = 0;
  readonly #names: MemberNames;
  #fault: Violation | null = null;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#names = new MemberNames(bytes);
  }

  run(): Violation | null {
    let next: Next = 'value';
    for (;;) {
      const byte = this.#skipSpace();
      switch (next) {
        case 'value or end':
          if (byte === closeBracket) {
            next = this.#close();
            break;
          }
          next = this.#readValue(byte);
          break;
        case 'value':
          next = this.#readValue(byte);
          break;
        case 'name or end':
          if (byte === closeBrace) {
            next = this.#close();
            break;
          }
          next = this.#readName(byte);
          break;
        case 'name':
          next = this.#readName(byte);
          break;
        case 'comma or end':
          if (this.#depth === 0) return byte === -1 ? null : this.#malformed();
          next = this.#readSeparator(byte);
      }
      if (this.#fault !== null) return this.#fault;
    }
  }

  #readValue(byte: number): Next {
    switch (byte) {
      case openBrace:
        return this.#open('object');
      case openBracket:
        return this.#open('array');
      case quote:
        this.#readString(this.#depth);
        break;
      case 0x74:
        this.#readWord('true');
        break;
      case 0x66:
        this.#readWord('false');
        break;
      case 0x6e:
        this.#readWord('null');
        break;
      default:
        this.#readNumber(byte);
    }
    return 'comma or end';
  }

  #open(kind: 'object' | 'array'): Next {
    this.#at++;
    if (this.#depth === deepest) this.#fail(`is nested deeper than ${deepest}`);
    items[this.#depth] = kind === 'array' ? 0 : -1;
    if (kind === 'object') this.#names.begin(this.#depth);
    this.#depth++;
    return kind === 'array' ? 'value or end' : 'name or end';
  }

  #close(): Next {
    this.#at++;
    this.#depth--;
    return 'comma or end';
  }

  #readSeparator(byte: number): Next {
    const level = this.#depth - 1;
    const isArray = items[level] !== -1;
    if (byte === (isArray ? closeBracket : closeBrace)) return this.#close();
    if (byte !== comma) this.#malformed();
    this.#at++;
    if (!isArray) return 'name';
    items[level] = (items[level] as number) + 1;
    return 'value';
  }

  #readName(byte: number): Next {
    const start = this.#at;
    if (byte !== quote) {
      this.#malformed();
      return 'value';
    }
    const isPlain = this.#readString(this.#depth - 1);
    if (this.#fault !== null) return 'value';
    this.#noteName(start, isPlain);
    if (this.#skipSpace() !== colon) this.#malformed();
    this.#at++;
    return 'value';
  }

  /** The names that change what an object is, for those who copy members one by one, are an attack on JavaScript behind us. */
  #noteName(start: number, isPlain: boolean): void {
    const level = this.#depth - 1;
    const isNew = this.#names.add(level, start, this.#at, isPlain);
    if (!isNew) this.#fail('is there twice');
    // Both names have nine letters; escapes could spell them in more.
    else if (isPlain && this.#at - start !== 11) return;
    else if (this.#names.is(level, '__proto__')) this.#fail('is a name that is not allowed');
    else if (this.#names.is(level, 'prototype') && level > 0 && items[level - 1] === -1) {
      if (this.#names.is(level - 1, 'constructor')) this.#fail('is a name that is not allowed');
    }
  }

  /**
   * Leaves `#at` behind the closing quote. True: the text stands there as it is, without escapes. `depth`: what it
   * belongs to; a name that is broken names nothing.
   */
  #readString(depth: number): boolean {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    let isPlain = true;
    for (;;) {
      const byte = bytes[at];
      if (byte === quote) break;
      if (byte === undefined || byte < 0x20) {
        this.#at = at;
        this.#malformed();
        return false;
      }
      if (byte !== backslash) {
        at++;
        continue;
      }
      isPlain = false;
      const length = this.#readEscape(at, depth);
      if (length === 0) return false;
      at += length;
    }
    this.#at = at + 1;
    return isPlain;
  }

  /** Length of the escape; 0: it is none. */
  #readEscape(at: number, depth: number): number {
    const letter = this.#bytes[at + 1];
    if (letter !== 0x75) {
      if (letter !== undefined && simpleEscapes.has(letter)) return 2;
      this.#at = at;
      this.#malformed();
      return 0;
    }
    const unit = this.#readUnit(at);
    if (unit === -1) return 0;
    if (unit < 0xd800 || unit > 0xdfff) return 6;
    const isPair = unit < 0xdc00 && this.#bytes[at + 6] === backslash && this.#bytes[at + 7] === 0x75;
    const second = isPair ? this.#readUnit(at + 6) : 0;
    if (second >= 0xdc00 && second <= 0xdfff) return 12;
    this.#fail('has half of a character (a lone surrogate)', depth);
    return 0;
  }

  /** The four hex digits of an escape, or -1. */
  #readUnit(at: number): number {
    let unit = 0;
    for (let i = at + 2; i < at + 6; i++) {
      const digit = hexDigit(this.#bytes[i]);
      if (digit === -1) {
        this.#at = at;
        this.#malformed();
        return -1;
      }
      unit = unit * 16 + digit;
    }
    return unit;
  }

  #readWord(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.#bytes[this.#at + i] === word.charCodeAt(i)) continue;
      this.#malformed();
      return;
    }
    this.#at += word.length;
  }

  /** -? (0 | 1-9 digits) (. digits)? (e sign? digits)? */
  #readNumber(first: number): void {
    const bytes = this.#bytes;
    const start = this.#at;
    if (first === 0x2d) this.#at++;
    if (bytes[this.#at] === 0x30) this.#at++;
    else this.#readDigits();
    if (bytes[this.#at] === 0x2e) {
      this.#at++;
      this.#readDigits();
    }
    const e = bytes[this.#at];
    const hasExponent = e === 0x65 || e === 0x45;
    if (hasExponent) {
      this.#at++;
      const sign = bytes[this.#at];
      if (sign === 0x2b || sign === 0x2d) this.#at++;
      this.#readDigits();
    }
    if (!hasExponent && this.#at - start < 300) return;
    if (!Number.isFinite(Number(bytes.toString('latin1', start, this.#at)))) this.#fail('is too large for a number');
  }

  /** At least one. */
  #readDigits(): void {
    const start = this.#at;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < 0x30 || byte > 0x39) break;
      this.#at++;
    }
    if (this.#at === start) this.#malformed();
  }

  /** The next byte that is no space; -1: the end. */
  #skipSpace(): number {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) return -1;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte;
      this.#at++;
    }
  }

  /** Says where, never what: the body is not repeated in answers and logs. */
  #malformed(): Violation {
    const what = this.#bytes.length === 0 ? 'is empty' : `is not valid JSON at byte ${this.#at}`;
    this.#fault ??= { path: '', message: what };
    return this.#fault;
  }

  #fail(message: string, depth = this.#depth): void {
    if (this.#fault !== null) return;
    const path: (string | number)[] = [];
    for (let level = 0; level < depth; level++) {
      const item = items[level] as number;
      path.push(item === -1 ? this.#names.last(level) : item);
    }
    this.#fault = { path: pointerTo(path), message };
  }
}

const simpleEscapes: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
