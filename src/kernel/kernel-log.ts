/** One second in the clock's nanoseconds. */
const SECOND = 1e9;

/** The least time between two lines: what a time stamp can show. */
const LINE_NS = 1000;

/** The kernel's log (kernel/printk): its lines, oldest first, and when each was written. */
export class KernelLog {
  readonly #clock: { readonly now: number };
  readonly #lines: string[] = [];
  /** Nanoseconds since boot, by line. */
  readonly #times: number[] = [];

  constructor(clock: { readonly now: number }) {
    this.#clock = clock;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** A line is a microsecond younger than the one before, at least: who reads the log tells events by their times. */
  push(line: string): void {
    this.#lines.push(line);
    this.#times.push(Math.max(this.#clock.now, (this.#times.at(-1) ?? -LINE_NS) + LINE_NS));
  }

  /** As dmesg prints it: `[    3.388144] line`, each with its newline. */
  dmesg(): string {
    return this.#lines.map((line, i) => `[${stamp(this.#times[i] as number)}] ${line}\n`).join('');
  }

  save(): KernelLogState {
    return { lines: [...this.#lines], times: [...this.#times] };
  }

  restore({ lines, times }: KernelLogState): void {
    this.#lines.splice(0, this.#lines.length, ...lines);
    this.#times.splice(0, this.#times.length, ...times);
  }
}

export interface KernelLogState {
  readonly lines: readonly string[];
  readonly times: readonly number[];
}

/** Seconds in five places, microseconds in six (print_time in kernel/printk/printk.c). */
function stamp(ns: number): string {
  const micros = Math.floor((ns % SECOND) / 1000);
  return `${String(Math.floor(ns / SECOND)).padStart(5)}.${String(micros).padStart(6, '0')}`;
}
