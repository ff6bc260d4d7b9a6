/** Marsaglia's 32-bit xorshift (Xorshift RNGs, 2003): the same seed gives the same numbers everywhere. */
export class XorShift {
  /** All that there is to save. */
  state: number;

  /** @param seed any number; 0 would stay 0 for ever and is replaced */
  constructor(seed: number) {
    this.state = seed >>> 0 || 0x9e3779b9;
  }

  /** The next number, below 2^32. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state;
  }
}
