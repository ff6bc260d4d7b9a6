import { PSI_PERIOD_NS, PsiAverages, type PsiAveragesState } from './psi-averages.ts';

/** Pressure of the machine or of a cgroup (struct psi_group). */
export class PsiGroup {
  readonly some = new PsiAverages();
  readonly full = new PsiAverages();
  #lastUpdate: number;
  #nextUpdate: number;
  /** Until when time is counted: intervals of several who wait at once count once. */
  #someUntil = 0;
  #fullUntil = 0;

  /** @param now when it is made, in ns since boot */
  constructor(now: number) {
    this.#lastUpdate = now;
    this.#nextUpdate = now + PSI_PERIOD_NS;
  }

  /**
   * Somebody waited for memory.
   * @param from, to nanoseconds since boot; @param isFull nobody else did anything useful meanwhile
   */
  stalled(from: number, to: number, isFull: boolean): void {
    for (let at = from; at < to; ) {
      this.update(at);
      const end = Math.min(to, this.#nextUpdate);
      this.some.total += Math.max(0, end - Math.max(at, this.#someUntil));
      this.#someUntil = Math.max(this.#someUntil, end);
      if (isFull) {
        this.full.total += Math.max(0, end - Math.max(at, this.#fullUntil));
        this.#fullUntil = Math.max(this.#fullUntil, end);
      }
      at = end;
    }
  }

  /** Brings the averages up to date (psi_show, psi_avgs_work): the kernel's worker has come at the end of a period with waits. */
  update(now: number): void {
    if (now >= this.#nextUpdate) this.#updateAt(this.#nextUpdate);
    if (now >= this.#nextUpdate) this.#updateAt(now);
  }

  #updateAt(now: number): void {
    const missed = Math.floor((now - this.#nextUpdate) / PSI_PERIOD_NS);
    const period = now - (this.#lastUpdate + missed * PSI_PERIOD_NS);
    this.#lastUpdate = now;
    this.#nextUpdate += (1 + missed) * PSI_PERIOD_NS;
    this.some.update(period, missed);
    this.full.update(period, missed);
  }

  save(): PsiGroupState {
    return {
      some: this.some.save(),
      full: this.full.save(),
      lastUpdate: this.#lastUpdate,
      nextUpdate: this.#nextUpdate,
      someUntil: this.#someUntil,
      fullUntil: this.#fullUntil,
    };
  }

  restore(state: PsiGroupState): void {
    this.some.restore(state.some);
    this.full.restore(state.full);
    this.#lastUpdate = state.lastUpdate;
    this.#nextUpdate = state.nextUpdate;
    this.#someUntil = state.someUntil;
    this.#fullUntil = state.fullUntil;
  }
}

export interface PsiGroupState {
  readonly some: PsiAveragesState;
  readonly full: PsiAveragesState;
  readonly lastUpdate: number;
  readonly nextUpdate: number;
  readonly someUntil: number;
  readonly fullUntil: number;
}
