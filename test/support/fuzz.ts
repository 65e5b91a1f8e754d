/**
 * How long properties are tried: a little, so that every run of the tests stays short, and as long as one likes with
 * SLUICE_FUZZ_RUNS. fast-check prints the seed of what fails; SLUICE_FUZZ_SEED tries it again.
 */

const leastRuns = Number(process.env['SLUICE_FUZZ_RUNS'] ?? 0);
const seed = process.env['SLUICE_FUZZ_SEED'];

/** For `fc.assert`. `count`: runs when nothing is said. */
export function fuzzRuns(count: number): { readonly numRuns: number; readonly seed?: number } {
  const numRuns = Math.max(count, leastRuns);
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}
