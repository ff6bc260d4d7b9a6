/** A 64-bit word in two halves, for the sums and patterns of the language, which count modulo 2^64. */
export interface Word64 {
  /** Bits 32 to 63, unsigned. */
  readonly hi: number;
  readonly lo: number;
}

export const word64 = (hi: number, lo: number): Word64 => ({ hi: hi >>> 0, lo: lo >>> 0 });

/** A number that a double holds exactly, as a word; negative ones in two's complement. */
export const wordOf = (value: number): Word64 => word64(Math.floor(value / 2 ** 32), value % 2 ** 32);

export function add(a: Word64, b: Word64): Word64 {
  const lo = a.lo + b.lo;
  return word64(a.hi + b.hi + (lo >= 2 ** 32 ? 1 : 0), lo);
}

export function multiply(a: Word64, b: Word64): Word64 {
  const [a0, a1, b0, b1] = [a.lo & 0xffff, a.lo >>> 16, b.lo & 0xffff, b.lo >>> 16];
  const low = a0 * b0;
  const middle = a0 * b1 + a1 * b0 + Math.floor(low / 2 ** 16);
  const carry = a1 * b1 + Math.floor(middle / 2 ** 16);
  const cross = (Math.imul(a.hi, b.lo) + Math.imul(a.lo, b.hi)) >>> 0;
  return word64(carry + cross, (middle % 2 ** 16) * 2 ** 16 + (low % 2 ** 16));
}

/** `0x` and the hexadecimal digits without leading zeros. */
export function hexWord({ hi, lo }: Word64): string {
  return hi === 0 ? `0x${lo.toString(16)}` : `0x${hi.toString(16)}${lo.toString(16).padStart(8, '0')}`;
}

/** 2^64 / golden ratio: the step of the patterns that `file` and `fill` write. */
export const GOLDEN: Word64 = word64(0x9e3779b9, 0x7f4a7c15);

const LCG_MULTIPLIER = word64(0x5851f42d, 0x4c957f2d);
const LCG_INCREMENT = word64(0x14057b7e, 0xf767814f);

/** One step of the generator behind `order=rand`: Knuth's MMIX constants. */
export const lcgStep = (x: Word64): Word64 => add(multiply(x, LCG_MULTIPLIER), LCG_INCREMENT);

/**
 * The sum of the language over little-endian words, like FNV-1a with a shift: h ^= w, h *= 0x100000001b3, h ^= h >> 29.
 */
export class Sum64 {
  #hi = 0xcbf29ce4;
  #lo = 0x84222325;

  add(hi: number, lo: number): void {
    const h = (this.#hi ^ hi) >>> 0;
    const l = (this.#lo ^ lo) >>> 0;
    // The factor is 2^40 + 435: one short product, and the low half shifted by 40.
    const product = l * 435;
    const low = product >>> 0;
    const high = (h * 435 + Math.floor(product / 2 ** 32) + l * 256) >>> 0;
    this.#hi = (high ^ (high >>> 29)) >>> 0;
    this.#lo = (low ^ ((high << 3) | (low >>> 29))) >>> 0;
  }

  get value(): Word64 {
    return word64(this.#hi, this.#lo);
  }
}
