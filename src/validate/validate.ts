/**
 * What a route asks of requests: media type, header fields, query and body, in this order, so that a request that is
 * refused for its head is refused before its body is read. Compiled once per config; routes that ask the same share it.
 */
import { createHash } from 'node:crypto';
import type { BodyChecks, BodyFinding, ContentCoding } from '../contracts/body-check.ts';
import type { BodyStage, CompiledRoute } from '../contracts/compiled.ts';
import type { Mode, RouteConfig, ValidateConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Maybe } from '../contracts/maybe.ts';
import type { Refusal, Verdict } from '../contracts/refusal.ts';
import type { RequestBody } from '../contracts/request-body.ts';
import { fieldValues } from '../core/http-fields.ts';
import { readCoding } from './codings.ts';
import { compileHeadCheck, type HeadCheck } from './head.ts';
import { checkJsonWithin } from './json-body.ts';
import { compileMediaTypes, type MediaTypes } from './media-types.ts';
import {
  bodyViolated,
  malformedCoding,
  missingBody,
  notChecked,
  tooLargeDecoded,
  wrongCharset,
  wrongCoding,
  wrongType,
} from './refusals.ts';
import { compileSchema } from './schema/compile.ts';
import { hasRiskyPattern } from './schema/problems.ts';
import type { Check } from './schema/report.ts';

export interface Validators {
  /** Null: the route asks for nothing. Throws when a schema can't be compiled, which `check` has found out before. */
  ofRoute(config: RouteConfig['validate']): BodyStage | null;
}

/** For one config. `checks`: where large bodies are checked. */
export function createValidators(checks: BodyChecks): Validators {
  const known = new Map<string, BodyStage>();
  return {
    ofRoute(config) {
      if (config === null) return null;
      const key = JSON.stringify(config);
      let stage = known.get(key);
      if (stage === undefined) {
        const validator = new Validator(config, checks);
        stage = (x, body) => validator.validate(x, body);
        known.set(key, stage);
      }
      return stage;
    },
  };
}

/** Larger ones are checked in a thread: this takes an event loop a millisecond or two. */
const mostBytesOnLoop = 64 * 1024;

/** A body that takes more begins anew in a thread: these are some 20 ms, and bodies of 64 KB usually take a third. */
const mostStepsOnLoop = 100_000;

/** What a schema is for, unless a list says by which other names it comes. */
const jsonTypes = ['application/json', 'application/*+json'];

class Validator {
  readonly #mode: Mode;
  readonly #types: MediaTypes | null;
  readonly #wrongType: Refusal;
  readonly #head: HeadCheck | null;
  readonly #body: Check | null;
  /** The schema of the body, for threads. */
  readonly #schema: string;
  readonly #schemaId: string;
  /** Bodies of more bytes are checked in a thread. */
  readonly #mostBytesOnLoop: number;
  readonly #checks: BodyChecks;

  constructor(config: ValidateConfig, checks: BodyChecks) {
    const hasBody = config.body !== null;
    const types = config.contentTypes.length === 0 && hasBody ? jsonTypes : config.contentTypes;
    this.#mode = config.mode;
    this.#types = types.length === 0 ? null : compileMediaTypes(types, hasBody);
    this.#wrongType = wrongType(types);
    this.#head = compileHeadCheck(config.headers, config.query);
    this.#body = hasBody ? compileSchema(config.body) : null;
    this.#schema = JSON.stringify(config.body);
    this.#schemaId = createHash('sha256').update(this.#schema).digest('base64');
    // A thread can be ended.
    this.#mostBytesOnLoop = hasBody && hasRiskyPattern(config.body) ? 0 : mostBytesOnLoop;
    this.#checks = checks;
  }

  validate(x: Exchange, body: RequestBody): Maybe<Verdict> {
    const refused = this.#judgeHead(x, body);
    if (refused !== null) return this.#settle(x, refused);
    if (this.#body === null) return null;
    if (!comesWithBody(body)) return this.#judgeAbsence(x);
    return body.whole === null ? this.#collect(x, body) : this.#judge(x, body.whole);
  }

  #judgeHead(x: Exchange, body: RequestBody): Verdict {
    const type = this.#types === null || !comesWithBody(body) ? null : this.#judgeType(x, this.#types);
    return type ?? (this.#head === null ? null : this.#head(x.head));
  }

  #judgeType(x: Exchange, types: MediaTypes): Verdict {
    const { rawHeaders } = x.head;
    const [type, second] = fieldValues(rawHeaders, 'content-type');
    // Of two one can't tell which the upstream goes by.
    if (type === undefined || second !== undefined) return this.#wrongType;
    switch (types.judge(type)) {
      case 'other type':
        return this.#wrongType;
      case 'other charset':
        return wrongCharset;
      case 'allowed':
        return this.#body !== null && codingOf(x) === null ? wrongCoding : null;
    }
  }

  #judgeAbsence(x: Exchange): Verdict {
    return bodiless.has(x.head.method) ? null : this.#settle(x, missingBody);
  }

  /** What the client does wrong in sending is no matter of this policy: it is refused in shadow mode too. */
  async #collect(x: Exchange, body: RequestBody): Promise<Verdict> {
    const { maxBodyBytes, timeoutMs } = x.route as CompiledRoute;
    const collected = await body.collect(maxBodyBytes, x.config.idleMs, timeoutMs);
    if (collected === 'no room') return this.#giveUp();
    if (collected !== 'whole') return collected;
    return this.#judge(x, body.whole as Buffer);
  }

  #judge(x: Exchange, bytes: Buffer): Maybe<Verdict> {
    if (bytes.length === 0) return this.#judgeAbsence(x);
    const coding = codingOf(x) as ContentCoding;
    // What a compressed body will become is not known beforehand.
    if (coding !== 'identity' || bytes.length > this.#mostBytesOnLoop) return this.#judgeInThread(x, bytes, coding);
    const found = checkJsonWithin(mostStepsOnLoop, bytes, this.#body as Check);
    if (found === 'spent') return this.#judgeInThread(x, bytes, coding);
    return found === null ? null : this.#settle(x, bodyViolated(found));
  }

  async #judgeInThread(x: Exchange, body: Buffer, coding: ContentCoding): Promise<Verdict> {
    const { maxBodyBytes, timeoutMs } = x.route as CompiledRoute;
    const finding = await this.#checks.check({
      schema: this.#schema,
      schemaId: this.#schemaId,
      body,
      coding,
      maxBytes: maxBodyBytes,
      startedAt: x.startedAt,
      timeoutMs,
      isWanted: () => !x.aborted,
    });
    return this.#conclude(x, finding);
  }

  #conclude(x: Exchange, finding: BodyFinding): Verdict {
    switch (finding) {
      case 'fits':
        return null;
      case 'too large':
        return this.#settle(x, tooLargeDecoded);
      case 'malformed':
        return this.#settle(x, malformedCoding);
      case 'shed':
      case 'failed':
        return this.#giveUp();
      default:
        return this.#settle(x, bodyViolated(finding));
    }
  }

  /** In shadow mode the code is noted, for log and metrics, and the request passes. */
  #settle(x: Exchange, refused: Refusal): Verdict {
    if (this.#mode === 'enforce') return refused;
    x.shadow = [...x.shadow, refused.code];
    return null;
  }

  /** Nobody knows what it would have been: one that is only tried out passes without a note. */
  #giveUp(): Verdict {
    return this.#mode === 'enforce' ? notChecked : null;
  }
}

/** Methods that ask for no body: without one they are judged by their head. With one it is checked like any other. */
const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

function comesWithBody(body: RequestBody): boolean {
  return body.whole === null ? body.declaredBytes !== 0 : body.whole.length > 0;
}

/** Null: one that can't be undone. */
function codingOf(x: Exchange): ContentCoding | null {
  return readCoding(fieldValues(x.head.rawHeaders, 'content-encoding'));
}
