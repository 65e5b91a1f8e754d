/** Which certificate answers for the name that a client asks for in its hello (SNI; RFC 6066, section 3). */
import type { X509Certificate } from 'node:crypto';

/**
 * What a certificate is good for: the DNS names of its subjectAltName, or without any the CN of its subject (RFC 9525
 * has done away with the CN; old certificates of internal authorities still have nothing else). Lower case.
 */
export function namesOf(certificate: X509Certificate): string[] {
  const alternatives = certificate.subjectAltName?.split(', ') ?? [];
  const names = alternatives.flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4)] : []));
  if (names.length === 0) {
    const { CN } = certificate.toLegacyObject().subject;
    names.push(...(Array.isArray(CN) ? CN : CN === undefined ? [] : [CN]));
  }
  return names.map(canonical);
}

/** Values by exact names and by wildcards of one label, as certificates have them. */
export class ServerNames<T> {
  readonly #exact = new Map<string, T>();
  /** By what follows the "*". */
  readonly #wildcards = new Map<string, T>();

  /** The first value that is added for a name keeps it. */
  add(names: readonly string[], value: T): void {
    for (const name of names) {
      const isWildcard = name.startsWith('*.');
      const values = isWildcard ? this.#wildcards : this.#exact;
      const key = isWildcard ? name.slice(1) : name;
      if (!values.has(key)) values.set(key, value);
    }
  }

  /** Null: no certificate names it. An exact name goes before a wildcard, and "*" stands for one label, never for several. */
  find(asked: string): T | null {
    const name = canonical(asked);
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf('.');
    return dot < 1 ? null : (this.#wildcards.get(name.slice(dot)) ?? null);
  }
}

function canonical(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
