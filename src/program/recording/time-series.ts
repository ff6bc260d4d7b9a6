/**
 * Values sampled along a replay. Memory is bounded: when the columns are full every second sample is dropped and the
 * interval doubles, so a replay of any length keeps between half and all of its places, evenly spaced.
 */

/** Samples kept at most; even. */
const CAPACITY = 512;

export class TimeSeries<Name extends string> {
  readonly names: readonly Name[];
  /** Between two samples, in the unit of `at` (instructions). */
  interval: number;
  #length = 0;
  /** `at` of each sample, then the values by name. */
  readonly #at = new Float64Array(CAPACITY);
  readonly #columns: readonly Float64Array[];
  #next = 0;

  constructor(names: readonly Name[], interval: number) {
    this.names = names;
    this.interval = interval;
    this.#columns = names.map(() => new Float64Array(CAPACITY));
  }

  get length(): number {
    return this.#length;
  }

  /** Whether a sample is due at this place. */
  due(at: number): boolean {
    return at >= this.#next;
  }

  /** Takes a sample, whether it is due or not. */
  take(at: number, values: Readonly<Record<Name, number>>): void {
    if (this.#length === CAPACITY) this.#thin();
    this.#at[this.#length] = at;
    this.names.forEach((name, i) => {
      (this.#columns[i] as Float64Array)[this.#length] = values[name];
    });
    this.#length++;
    this.#next = (Math.floor(at / this.interval) + 1) * this.interval;
  }

  #thin(): void {
    for (const column of [this.#at, ...this.#columns]) {
      for (let i = 0; i < CAPACITY / 2; i++) column[i] = column[2 * i];
    }
    this.#length = CAPACITY / 2;
    this.interval *= 2;
  }

  /** The samples as plain arrays: `at` and one array a name. */
  toJSON(): { at: number[] } & Record<Name, number[]> {
    const column = (values: Float64Array): number[] => Array.from(values.subarray(0, this.#length));
    const columns = this.names.map((name, i) => [name, column(this.#columns[i] as Float64Array)]);
    return { at: column(this.#at), ...Object.fromEntries(columns) } as { at: number[] } & Record<Name, number[]>;
  }

  save(): TimeSeriesState {
    return { interval: this.interval, next: this.#next, columns: Object.values(this.toJSON()) };
  }

  restore(state: TimeSeriesState): void {
    this.interval = state.interval;
    this.#next = state.next;
    this.#length = (state.columns[0] as number[]).length;
    state.columns.forEach((values, i) => {
      (i === 0 ? this.#at : (this.#columns[i - 1] as Float64Array)).set(values);
    });
  }
}

export interface TimeSeriesState {
  readonly interval: number;
  readonly next: number;
  /** `at`, then the columns in the order of `names`. */
  readonly columns: readonly (readonly number[])[];
}
