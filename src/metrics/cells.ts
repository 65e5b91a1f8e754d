/**
 * The numbers of one worker: an array that counting adds to, cut into series that open on first use. Counters hold what
 * came since the last report, gauges what is now.
 */
import type { SeriesDefinition } from '../contracts/ipc.ts';
import { type MetricName, specOf } from './catalog.ts';

/** What one message carries: small enough that neither side's event loop notices. */
export interface Piece {
  readonly series: readonly SeriesDefinition[];
  readonly cells: Uint32Array;
  readonly deltas: Float64Array;
}

const maxSeriesPerPiece = 500;
const maxCellsPerPiece = 8192;

export class Cells {
  #values = new Float64Array(1024);
  /** Cell 0 belongs to nobody, so that 0 can mean "no series yet". */
  #used = 1;
  #unannounced: SeriesDefinition[] = [];
  readonly #gauges: number[] = [];
  readonly #gaugesSent: number[] = [];

  /**
   * Opens a series; returns its first cell. Counters and gauges have one cell; a histogram has one for each bucket, +Inf
   * included, and then one for the sum.
   */
  open(metric: MetricName, labels: readonly string[]): number {
    const spec = specOf(metric);
    const cell = this.#used;
    this.#used += widthOf(metric);
    if (this.#used > this.#values.length) this.#grow();
    this.#unannounced.push({ cell, metric, labels });
    if (spec.type === 'gauge') {
      this.#gauges.push(cell);
      this.#gaugesSent.push(Number.NaN);
    }
    return cell;
  }

  add(cell: number, value: number): void {
    const values = this.#values;
    values[cell] = (values[cell] as number) + value;
  }

  set(cell: number, value: number): void {
    this.#values[cell] = value;
  }

  /** Everything that has changed since the last call, and all gauges if anything has. */
  collect(): Piece[] {
    const gauges = this.#takeGauges();
    const pieces: Piece[] = [];
    for (let from = 1; from < this.#used; ) {
      const series = this.#unannounced.splice(0, maxSeriesPerPiece);
      // A cell must not be sent before the series that it belongs to.
      const end = this.#unannounced[0]?.cell ?? this.#used;
      const changed = this.#changedBetween(from, end);
      if (series.length > 0 || changed.cells.length > 0) pieces.push(this.#takeCells(series, changed.cells));
      from = changed.next;
    }
    this.#putGauges(gauges);
    const isNews = gauges.some((value, i) => value !== this.#gaugesSent[i]);
    if (pieces.length === 0 && !isNews) return pieces;
    // All gauges every time, changed or not: a registry that lost its memory has them right again within a second.
    pieces.push({ series: [], cells: Uint32Array.from(this.#gauges), deltas: Float64Array.from(gauges) });
    for (let i = 0; i < gauges.length; i++) this.#gaugesSent[i] = gauges[i] as number;
    return pieces;
  }

  #changedBetween(from: number, end: number): { cells: number[]; next: number } {
    const values = this.#values;
    const cells: number[] = [];
    let cell = from;
    for (; cell < end && cells.length < maxCellsPerPiece; cell++) if (values[cell] !== 0) cells.push(cell);
    return { cells, next: cell };
  }

  #takeCells(series: readonly SeriesDefinition[], cells: readonly number[]): Piece {
    const deltas = new Float64Array(cells.length);
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as number;
      deltas[i] = this.#values[cell] as number;
      this.#values[cell] = 0;
    }
    return { series, cells: Uint32Array.from(cells), deltas };
  }

  /** Lifts the gauges out while counters are collected, so that the scan has one rule: what is not 0 has changed. */
  #takeGauges(): number[] {
    const gauges = this.#gauges.map((cell) => this.#values[cell] as number);
    for (const cell of this.#gauges) this.#values[cell] = 0;
    return gauges;
  }

  #putGauges(values: readonly number[]): void {
    for (let i = 0; i < values.length; i++) this.#values[this.#gauges[i] as number] = values[i] as number;
  }

  #grow(): void {
    const grown = new Float64Array(this.#values.length * 2);
    grown.set(this.#values);
    this.#values = grown;
  }
}

export function widthOf(metric: MetricName): number {
  const { type, buckets = [] } = specOf(metric);
  return type === 'histogram' ? buckets.length + 2 : 1;
}
