import { CAUSE_IDLE, CAUSES, type Cause, type Timers } from '../kernel/time/clock.ts';

/** Work that is due at an instant of simulated time: the flusher, kswapd, khugepaged. */
interface Timer {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/** Simulated time: it moves by what things cost, and knows what it was spent on. */
export class VirtualClock implements Timers {
  /** Nanoseconds since boot. */
  now = 0;
  /** Nanoseconds by cause (CAUSE_*). */
  readonly spent: Float64Array = new Float64Array(CAUSES.length);
  #timers: Timer[] = [];
  #order = 0;

  spend(ns: number, cause: Cause): void {
    this.now += ns;
    (this.spent[cause] as number) += ns;
  }

  /** Runs work when its time has come; `sleep` and `settle` look for it. */
  at(due: number, run: () => void): void {
    const timer = { due, order: this.#order++, run };
    const before = this.#timers.findIndex((t) => t.due > due);
    if (before < 0) this.#timers.push(timer);
    else this.#timers.splice(before, 0, timer);
  }

  /** When the next work is due; Infinity for none. */
  get nextDue(): number {
    return this.#timers[0]?.due ?? Number.POSITIVE_INFINITY;
  }

  /** Runs everything that has become due, in order of time. */
  settle(): void {
    for (let timer = this.#timers[0]; timer !== undefined && timer.due <= this.now; timer = this.#timers[0]) {
      this.#timers.shift();
      timer.run();
    }
  }

  /** Lets time pass in which the machine's task sleeps, running what becomes due on the way. */
  sleep(ns: number, cause: Cause = CAUSE_IDLE): void {
    const end = this.now + ns;
    for (let timer = this.#timers[0]; timer !== undefined && timer.due <= end; timer = this.#timers[0]) {
      if (timer.due > this.now) this.spend(timer.due - this.now, cause);
      this.#timers.shift();
      timer.run();
    }
    if (end > this.now) this.spend(end - this.now, cause);
  }

  save(): VirtualClockState {
    return { now: this.now, spent: this.spent.slice() };
  }

  restore(state: VirtualClockState): void {
    this.now = state.now;
    this.spent.set(state.spent);
  }
}

export interface VirtualClockState {
  readonly now: number;
  readonly spent: Float64Array;
}
