import type { XorShift } from '../recording/xor-shift.ts';

/**
 * Numbers from 1 to n of which k comes up in proportion to 1 / k^skew: how often words are used and searched for (Zipf,
 * Human Behavior and the Principle of Least Effort, 1949). Drawn by rejection-inversion, which needs no table
 * (Hoermann and Derflinger, Rejection-inversion to generate variates from monotone discrete distributions, 1996).
 */
export class Zipf {
  readonly #n: number;
  readonly #skew: number;
  readonly #random: XorShift;
  readonly #low: number;
  readonly #high: number;
  readonly #threshold: number;

  /** @param n how many numbers there are @param skew 0 makes all equally likely, 1 is the usual law */
  constructor(n: number, skew: number, random: XorShift) {
    this.#n = n;
    this.#skew = skew;
    this.#random = random;
    this.#low = this.#integral(1.5) - 1;
    this.#high = this.#integral(n + 0.5);
    this.#threshold = 2 - this.#inverse(this.#integral(2.5) - this.#weight(2));
  }

  next(): number {
    for (;;) {
      const u = this.#high + (this.#random.next() / 2 ** 32) * (this.#low - this.#high);
      const x = this.#inverse(u);
      const k = Math.min(this.#n, Math.max(1, Math.round(x)));
      if (k - x <= this.#threshold || u >= this.#integral(k + 0.5) - this.#weight(k)) return k;
    }
  }

  #weight(x: number): number {
    return x ** -this.#skew;
  }

  /** The integral of the weight from 1 to x. */
  #integral(x: number): number {
    return this.#skew === 1 ? Math.log(x) : (x ** (1 - this.#skew) - 1) / (1 - this.#skew);
  }

  #inverse(y: number): number {
    return this.#skew === 1 ? Math.exp(y) : (1 + y * (1 - this.#skew)) ** (1 / (1 - this.#skew));
  }
}
