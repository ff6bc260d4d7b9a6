/** Kinds of contents that a file can begin with, all able to keep what write-back brings. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Backing, BackingState } from './inode.ts';

/** Pages that were written back, over what the file held at first. */
export class OverlayBacking implements Backing {
  readonly #written = new Map<number, Uint8Array>();
  readonly #original: (index: number, into: Uint8Array) => boolean;

  /** @param original fills a zeroed page of 4096 bytes with the file's first contents; false where it has none */
  constructor(original: (index: number, into: Uint8Array) => boolean) {
    this.#original = original;
  }

  readPage(index: number, into: Uint8Array): boolean {
    const written = this.#written.get(index);
    if (written === undefined) return this.#original(index, into);
    into.set(written);
    return true;
  }

  writePage(index: number, from: Uint8Array): number {
    this.#written.set(index, from.slice(0, PAGE_SIZE));
    return 0;
  }

  protected writtenPages(): [index: number, page: Uint8Array][] {
    return [...this.#written];
  }
}

/** Contents that can be made again from their kind and size, and so be kept in a snapshot. */
class KnownBacking extends OverlayBacking {
  readonly #kind: BackingState['kind'];
  readonly #size: number;

  constructor(kind: BackingState['kind'], size: number, original: (index: number, into: Uint8Array) => boolean) {
    super(original);
    this.#kind = kind;
    this.#size = size;
  }

  save(): BackingState {
    const pages = this.writtenPages();
    const contents = new Uint8Array(pages.length * PAGE_SIZE);
    pages.forEach(([, page], i) => {
      contents.set(page, i * PAGE_SIZE);
    });
    return { kind: this.#kind, size: this.#size, indexes: Int32Array.from(pages, ([index]) => index), contents };
  }
}

/** Makes contents again from what a snapshot kept of them. */
export function restoreBacking(state: BackingState): Backing {
  const backing = state.kind === 'pattern' ? patternBacking(state.size) : emptyBacking();
  state.indexes.forEach((index, i) => {
    backing.writePage(index, state.contents.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE));
  });
  return backing;
}

/** A file that nothing was written to yet. */
export const emptyBacking = (): Backing => new KnownBacking('empty', 0, () => false);

/**
 * The contents of a scenario's files (CONFORMANCE.md): at byte offset o, a multiple of 8, the little-endian 64-bit word
 * floor(o/4096) * 0x9E3779B97F4A7C15 + (o mod 4096) + 1.
 * @param size bytes of the file; what lies behind them in the last page is zero
 */
export const patternBacking = (size: number): Backing =>
  new KnownBacking('pattern', size, (index, into) => {
    fillPattern(index, into);
    const kept = size - index * PAGE_SIZE;
    if (kept < PAGE_SIZE) into.fill(0, Math.max(0, kept));
    return kept > 0;
  });

const GOLDEN_LO = 0x7f4a7c15;
const GOLDEN_HI = 0x9e3779b9;

function fillPattern(index: number, into: Uint8Array): void {
  const words = new DataView(into.buffer, into.byteOffset, PAGE_SIZE);
  // index * GOLDEN modulo 2^64 in halves: the low product needs its carry exactly, in 16-bit limbs.
  const low = (index & 0xffff) * GOLDEN_LO;
  const middle = (index >>> 16) * GOLDEN_LO;
  const lowSum = low + (middle % 0x10000) * 0x10000;
  const baseLo = lowSum % 0x100000000;
  const carry = Math.floor(lowSum / 0x100000000) + Math.floor(middle / 0x10000);
  const baseHi = (Math.imul(index, GOLDEN_HI) + carry) >>> 0;
  for (let offset = 0; offset < PAGE_SIZE; offset += 8) {
    const lo = baseLo + offset + 1;
    words.setUint32(offset, lo >>> 0, true);
    words.setUint32(offset + 4, (baseHi + (lo >= 0x100000000 ? 1 : 0)) >>> 0, true);
  }
}

/** A file of the host, read when its pages are; it is never written, the overlay keeps what changes. */
export const hostBacking = (read: (offset: number, into: Uint8Array) => number): Backing =>
  new OverlayBacking((index, into) => read(index * PAGE_SIZE, into) > 0);
