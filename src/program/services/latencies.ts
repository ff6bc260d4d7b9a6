/** How long things took, in nanoseconds, for mean and percentiles. */
export class Latencies {
  #samples = new Float64Array(1024);
  #sorted = true;
  #sum = 0;
  count = 0;

  add(ns: number): void {
    if (this.count === this.#samples.length) {
      const larger = new Float64Array(2 * this.count);
      larger.set(this.#samples);
      this.#samples = larger;
    }
    this.#samples[this.count++] = ns;
    this.#sum += ns;
    this.#sorted = false;
  }

  /** 0 when nothing was added. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count;
  }

  /** The smallest sample that `share` of all do not exceed (nearest rank); 0 when nothing was added. @param share 0 to 1 */
  percentile(share: number): number {
    if (!this.#sorted) this.#samples.subarray(0, this.count).sort();
    this.#sorted = true;
    const rank = Math.max(1, Math.ceil(share * this.count));
    return this.count === 0 ? 0 : (this.#samples[rank - 1] as number);
  }

  summary(): LatencySummary {
    return { meanNs: this.mean, p50Ns: this.percentile(0.5), p99Ns: this.percentile(0.99) };
  }
}

export interface LatencySummary {
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
}
