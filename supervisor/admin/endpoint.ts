/** What an endpoint of the admin listener is, what it is given and what it may answer. The endpoints stand in endpoints.ts. */
import type { IncomingHttpHeaders } from 'node:http';

export interface Endpoint {
  /** GET is HEAD too. What is no GET has to be sent on purpose: see guard.ts. */
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** It is no GET for what it brings along, not for what it does. All other changes stand in the log, with who asked. */
  readonly changesNothing?: true;
  /** Segments that begin with `:` match any one segment; the answer finds it, decoded, in `parameters`. */
  readonly path: string;
  /** `everybody`: also without the token, for probes that carry no secrets and pages that hold none. */
  readonly for: 'everybody' | 'operators';
  /** What goes out with the 401 in the place of a problem: a page that asks for the token. */
  readonly toStrangers?: AdminAnswer;
  /** = 0: what comes with the request is not read. A larger body is refused with 413. */
  readonly maxBodyBytes?: number;
  /** So many requests are read and answered at a time, further ones turned away with 503. Absent: any number. */
  readonly maxAtOnce?: number;
  readonly answer: (request: AdminRequest) => Promise<AdminAnswer> | AdminAnswer;
}

export interface AdminRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface AdminAnswer {
  readonly status: number;
  /** Flat list `[name, value, …]`; length, request id and the rules for browsers are added. */
  readonly headers: readonly string[];
  readonly body: readonly Uint8Array[];
}

/** Sent as problem+json. Endpoints throw it, wrapped in `AdminError`, where they can't answer. */
export interface AdminProblem {
  readonly status: number;
  /** For programs: one word for the kind of problem. */
  readonly code: string;
  /** For people: what is wrong and what to do. */
  readonly detail: string;
  readonly headers?: readonly string[];
  readonly errors?: readonly object[] | null;
}

export class AdminError extends Error {
  readonly problem: AdminProblem;

  constructor(problem: AdminProblem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export function json(body: unknown, status = 200): AdminAnswer {
  return { status, headers: ['Content-Type', 'application/json'], body: [Buffer.from(JSON.stringify(body))] };
}
