/**
 * The averages of pressure (kernel/sched/psi.c: update_averages, calc_avgs; include/linux/sched/loadavg.h): every two seconds the
 * share of stalled time goes into three exponential averages, in the kernel's fixed-point numbers with 11 bits of fraction.
 */

/** PSI_FREQ with CONFIG_HZ=250: two seconds and a tick, in ns. */
export const PSI_PERIOD_NS = 2_004_000_000;
const FSHIFT = 11;
const FIXED_1 = 1 << FSHIFT;
/** 1/exp(2s/10s), 1/exp(2s/60s) and 1/exp(2s/300s) as fixed-point numbers. */
const EXP = [1677, 1981, 2034] as const;

/** calc_load: rounds up while the average rises, so that it gets there. */
function calcLoad(load: number, exp: number, active: number): number {
  const sum = load * exp + active * (FIXED_1 - exp) + (active >= load ? FIXED_1 - 1 : 0);
  return Math.floor(sum / FIXED_1);
}

/** x^n of a fixed-point number (fixed_power_int). */
function fixedPower(x: number, n: number): number {
  let result = FIXED_1;
  let power = x;
  for (let left = n; left > 0; ) {
    if (left % 2 === 1) result = Math.floor((result * power + FIXED_1 / 2) / FIXED_1);
    left = Math.floor(left / 2);
    if (left > 0) power = Math.floor((power * power + FIXED_1 / 2) / FIXED_1);
  }
  return result;
}

/** One kind of pressure, some or full. */
export class PsiAverages {
  /** Nanoseconds stalled since boot. */
  total = 0;
  /** `total` at the last update. */
  #seen = 0;
  /** The averages over 10, 60 and 300 s, in per cent, fixed-point. */
  readonly averages: [number, number, number] = [0, 0, 0];

  /**
   * Puts what was stalled since the last update into the averages.
   * @param period nanoseconds that it may be of at most; @param missed whole periods before it in which nothing happened
   */
  update(period: number, missed: number): void {
    const sample = Math.min(this.total - this.#seen, period);
    this.#seen += sample;
    const percent = Math.floor((sample * 100) / period) * FIXED_1;
    for (let i = 0; i < EXP.length; i++) {
      const exp = EXP[i] as number;
      const average = this.averages[i] as number;
      const faded = missed > 0 ? calcLoad(average, fixedPower(exp, missed), 0) : average;
      this.averages[i] = calcLoad(faded, exp, percent);
    }
  }

  /** As a line of /proc/pressure/memory shows it, without its first word. */
  get text(): string {
    const [a, b, c] = this.averages.map((load) => {
      const hundredths = Math.floor(((load % FIXED_1) * 100) / FIXED_1);
      return `${Math.floor(load / FIXED_1)}.${String(hundredths).padStart(2, '0')}`;
    });
    return `avg10=${a} avg60=${b} avg300=${c} total=${Math.floor(this.total / 1000)}`;
  }

  save(): PsiAveragesState {
    return { total: this.total, seen: this.#seen, averages: [...this.averages] };
  }

  restore(state: PsiAveragesState): void {
    this.total = state.total;
    this.#seen = state.seen;
    state.averages.forEach((average, i) => {
      this.averages[i] = average;
    });
  }
}

export interface PsiAveragesState {
  readonly total: number;
  readonly seen: number;
  readonly averages: readonly number[];
}
