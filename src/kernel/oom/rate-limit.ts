/** Of many reports in a short time only the first ones are written (__ratelimit in lib/ratelimit.c). */

/** DEFAULT_RATELIMIT_INTERVAL and DEFAULT_RATELIMIT_BURST. */
const INTERVAL_NS = 5e9;
const BURST = 10;

export class RateLimit {
  #began = Number.NEGATIVE_INFINITY;
  #written = 0;

  /** @param now nanoseconds since boot; @returns whether one more may be written */
  allows(now: number): boolean {
    if (now - this.#began > INTERVAL_NS) {
      this.#began = now;
      this.#written = 0;
    }
    if (this.#written >= BURST) return false;
    this.#written++;
    return true;
  }

  save(): RateLimitState {
    return { began: this.#began, written: this.#written };
  }

  restore({ began, written }: RateLimitState): void {
    this.#began = began;
    this.#written = written;
  }
}

export interface RateLimitState {
  readonly began: number;
  readonly written: number;
}
