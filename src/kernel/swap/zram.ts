import { PAGE_SIZE } from '../../hardware/units.ts';
import { type FrameSource, HUGE_CLASS_BYTES, Zsmalloc, type ZsmallocState } from './zsmalloc.ts';

const PAGE_WORDS = PAGE_SIZE / 4;

/** Documentation/admin-guide/blockdev/zram.rst: "we expect a 2:1 compression ratio". */
export const DEFAULT_COMPRESSION = 2;
/** A page of one repeated word: the word is kept, and no object (ZRAM_SAME). */
const SAME = PAGE_SIZE + 1;

const column = (value: number): string => String(value).padStart(8);
const mmStatText = (columns: readonly number[]): string => `${columns.map(column).join(' ')}\n`;
const ioStatText = (failedWrites: number, freed: number): string =>
  `${column(0)} ${column(failedWrites)} 0 ${column(freed)}\n`;

/** Both files of a disk that nothing was stored in. */
export const EMPTY_MM_STAT: string = mmStatText([0, 0, 0, 0, 0, 0, 0, 0, 0]);
export const EMPTY_IO_STAT: string = ioStatText(0, 0);

/**
 * A compressed disk in memory (drivers/block/zram): what it holds takes frames of the machine. What a page shrinks to is
 * not computed but stated, one ratio for all; pages of one repeated word are found where the machine keeps contents.
 */
export class Zram {
  readonly #pool: Zsmalloc;
  /** Bytes that each slot's page takes, 0 for none, or SAME. */
  readonly #sizes: Uint16Array;
  readonly #compressedBytes: number;
  /** Most bytes that the pool may take, 0 for no limit (mem_limit). */
  limit = 0;
  #used = 0;
  #compressed = 0;
  #same = 0;
  #huge = 0;
  #hugeSince = 0;
  #mostFrames = 0;
  #failedWrites = 0;
  #freed = 0;

  /** @param compression how many times smaller pages become, 1 or more */
  constructor(slots: number, compression: number, frames: FrameSource) {
    if (!(compression >= 1)) throw new RangeError(`zram: a compression of ${compression}; 1 or more is possible`);
    this.#pool = new Zsmalloc(frames);
    this.#sizes = new Uint16Array(slots);
    const bytes = Math.max(1, Math.round(PAGE_SIZE / compression));
    this.#compressedBytes = bytes >= HUGE_CLASS_BYTES ? PAGE_SIZE : bytes;
  }

  /**
   * Stores a page (zram_write_page).
   * @param bytes undefined on a machine without contents
   * @returns false when there is no memory for it
   */
  write(slot: number, bytes: Uint8Array | undefined): boolean {
    this.#release(slot);
    if (bytes !== undefined && isSameFilled(bytes)) {
      this.#sizes[slot] = SAME;
      this.#same++;
      this.#used++;
      return true;
    }
    const size = this.#compressedBytes;
    const overLimit = this.limit > 0 && this.#pool.frames * PAGE_SIZE >= this.limit;
    if (overLimit || !this.#pool.allocate(size)) {
      this.#failedWrites++;
      return false;
    }
    this.#sizes[slot] = size;
    this.#used++;
    this.#compressed += size;
    if (size === PAGE_SIZE) {
      this.#huge++;
      this.#hugeSince++;
    }
    this.#mostFrames = Math.max(this.#mostFrames, this.#pool.frames);
    return true;
  }

  /** The slot is wanted no more (zram_slot_free_notify). */
  free(slot: number): void {
    if (this.#sizes[slot] === 0) return;
    this.#freed++;
    this.#release(slot);
  }

  #release(slot: number): void {
    const size = this.#sizes[slot] as number;
    if (size === 0) return;
    this.#sizes[slot] = 0;
    this.#used--;
    if (size === SAME) {
      this.#same--;
      return;
    }
    this.#pool.free(size);
    this.#compressed -= size;
    if (size === PAGE_SIZE) this.#huge--;
  }

  /** /sys/block/zramN/mm_stat, whose columns zram.rst explains. */
  get mmStat(): string {
    const columns = [
      this.#used * PAGE_SIZE,
      this.#compressed,
      this.#pool.frames * PAGE_SIZE,
      this.limit,
      this.#mostFrames * PAGE_SIZE,
      this.#same,
      0,
      this.#huge,
      this.#hugeSince,
    ];
    return mmStatText(columns);
  }

  /** /sys/block/zramN/io_stat: failed reads and writes, what was invalid requests once, slots that swap gave up. */
  get ioStat(): string {
    return ioStatText(this.#failedWrites, this.#freed);
  }

  save(): ZramState {
    return {
      pool: this.#pool.save(),
      sizes: this.#sizes.slice(),
      limit: this.limit,
      counts: [
        this.#used,
        this.#compressed,
        this.#same,
        this.#huge,
        this.#hugeSince,
        this.#mostFrames,
        this.#failedWrites,
        this.#freed,
      ],
    };
  }

  restore(state: ZramState): void {
    this.#pool.restore(state.pool);
    this.#sizes.set(state.sizes);
    this.limit = state.limit;
    [
      this.#used = 0,
      this.#compressed = 0,
      this.#same = 0,
      this.#huge = 0,
      this.#hugeSince = 0,
      this.#mostFrames = 0,
      this.#failedWrites = 0,
      this.#freed = 0,
    ] = state.counts;
  }
}

export interface ZramState {
  readonly pool: ZsmallocState;
  readonly sizes: Uint16Array;
  readonly limit: number;
  readonly counts: readonly number[];
}

/** page_same_filled: words of 8 bytes, all alike. */
function isSameFilled(page: Uint8Array): boolean {
  const words = new Int32Array(page.buffer, page.byteOffset, PAGE_WORDS);
  for (let i = 2; i < PAGE_WORDS; i++) if (words[i] !== words[i - 2]) return false;
  return true;
}
