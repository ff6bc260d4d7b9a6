/** A progress bar on standard error, for work of more than a second on a terminal. */

const WIDTH = 30;
const AFTER_MS = 1000;
const EVERY_MS = 100;

export class Progress {
  readonly #enabled: boolean;
  readonly #what: string;
  readonly #start = performance.now();
  #last = 0;
  #shown = false;

  /** @param what a few words before the bar @param wanted false never shows it */
  constructor(what: string, wanted: boolean) {
    this.#what = what;
    this.#enabled = wanted && process.stderr.isTTY;
  }

  /** @param done of 1 */
  update(done: number): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#start < AFTER_MS || now - this.#last < EVERY_MS) return;
    this.#last = now;
    this.#shown = true;
    const full = Math.round(done * WIDTH);
    const left = done > 0 ? ((now - this.#start) / 1000) * (1 / done - 1) : 0;
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
    process.stderr.write(
      `\r${this.#what} ${bar} ${(done * 100).toFixed(0).padStart(3)} %, ${left.toFixed(0)} s left\x1b[K`,
    );
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
  }
}
