import type { Pfn } from './units.ts';
import { pfn as frameNumber, PAGE_SIZE } from './units.ts';

const WORDS_PER_FRAME = PAGE_SIZE / 4;
const SLOTS_PER_CHUNK = 256;
const CHUNK_WORDS = SLOTS_PER_CHUNK * WORDS_PER_FRAME;

/**
 * The RAM of the machine. A frame has storage only while something is kept in it: page tables always, program data
 * only when the machine keeps contents. A frame without storage reads as zeros, so clearing one costs nothing.
 *
 * Storage comes from 1 MiB chunks that are never given back; `slotOf` is the only per-frame memory (4 bytes).
 */
export class PhysicalMemory {
  readonly frames: number;
  /** 0: no storage, else slot + 1. */
  readonly #slotOf: Int32Array;
  readonly #chunks: Uint32Array[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #freeSlots: number[] = [];
  #slots = 0;

  /** @param frames number of 4 KiB frames, below 2^31 */
  constructor(frames: number) {
    if (!Number.isInteger(frames) || frames <= 0 || frames >= 2 ** 31)
      throw new RangeError(`PhysicalMemory: ${frames} frames; from 1 to 2^31-1 can be simulated`);
    this.frames = frames;
    this.#slotOf = new Int32Array(frames);
  }

  /** How many frames have storage now. */
  get stored(): number {
    return this.#slots - this.#freeSlots.length;
  }

  hasStorage(frame: Pfn): boolean {
    return this.#slotOf[frame] !== 0;
  }

  /** The low half of a 64-bit word of a frame; 0 where nothing is stored. */
  lo(frame: Pfn, index: number): number {
    const slot = this.#slotOf[frame] as number;
    if (slot === 0) return 0;
    const chunk = this.#chunks[(slot - 1) >>> 8] as Uint32Array;
    return (chunk[(((slot - 1) & 255) << 10) + (index << 1)] as number) | 0;
  }

  /** The high half of a 64-bit word of a frame. */
  hi(frame: Pfn, index: number): number {
    const slot = this.#slotOf[frame] as number;
    if (slot === 0) return 0;
    const chunk = this.#chunks[(slot - 1) >>> 8] as Uint32Array;
    return (chunk[(((slot - 1) & 255) << 10) + (index << 1) + 1] as number) | 0;
  }

  /** Writes a 64-bit word of a frame, giving the frame storage when it has none. */
  write(frame: Pfn, index: number, lo: number, hi: number): void {
    const slot = this.#slotOf[frame] || this.#give(frame);
    const chunk = this.#chunks[(slot - 1) >>> 8] as Uint32Array;
    const at = (((slot - 1) & 255) << 10) + (index << 1);
    chunk[at] = lo;
    chunk[at + 1] = hi;
  }

  readByte(frame: Pfn, offset: number): number {
    const slot = this.#slotOf[frame] as number;
    if (slot === 0) return 0;
    return (this.#bytes[(slot - 1) >>> 8] as Uint8Array)[(((slot - 1) & 255) << 12) + offset] as number;
  }

  writeByte(frame: Pfn, offset: number, value: number): void {
    const slot = this.#slotOf[frame] || this.#give(frame);
    (this.#bytes[(slot - 1) >>> 8] as Uint8Array)[(((slot - 1) & 255) << 12) + offset] = value;
  }

  /** A view of a frame's 4096 bytes, which gives it storage. Valid until the frame is cleared. */
  view(frame: Pfn): Uint8Array {
    const slot = this.#slotOf[frame] || this.#give(frame);
    const at = ((slot - 1) & 255) << 12;
    return (this.#bytes[(slot - 1) >>> 8] as Uint8Array).subarray(at, at + PAGE_SIZE);
  }

  /** Copies a frame's contents to another. */
  copy(from: Pfn, to: Pfn): void {
    if (this.#slotOf[from] === 0) this.clear(to);
    else this.view(to).set(this.view(from));
  }

  /** Makes a frame read as zeros and takes its storage away. */
  clear(frame: Pfn): void {
    const slot = this.#slotOf[frame] as number;
    if (slot === 0) return;
    this.#slotOf[frame] = 0;
    this.#freeSlots.push(slot);
  }

  #give(frame: Pfn): number {
    const slot = this.#freeSlots.pop();
    if (slot === undefined) return this.#giveNew(frame);
    const at = ((slot - 1) & 255) << 10;
    (this.#chunks[(slot - 1) >>> 8] as Uint32Array).fill(0, at, at + WORDS_PER_FRAME);
    this.#slotOf[frame] = slot;
    return slot;
  }

  #giveNew(frame: Pfn): number {
    if (this.#slots === this.#chunks.length * SLOTS_PER_CHUNK) {
      const chunk = new Uint32Array(CHUNK_WORDS);
      this.#chunks.push(chunk);
      this.#bytes.push(new Uint8Array(chunk.buffer));
    }
    this.#slots++;
    this.#slotOf[frame] = this.#slots;
    return this.#slots;
  }

  /** The stored frames and their contents, for a snapshot. */
  save(): PhysicalMemoryState {
    const stored: number[] = [];
    for (let frame = 0; frame < this.frames; frame++) if (this.#slotOf[frame] !== 0) stored.push(frame);
    const contents = new Uint8Array(stored.length * PAGE_SIZE);
    stored.forEach((frame, i) => {
      contents.set(this.view(frameNumber(frame)), i * PAGE_SIZE);
    });
    return { frames: Int32Array.from(stored), contents };
  }

  /** Takes the place of everything stored. */
  restore(state: PhysicalMemoryState): void {
    this.#slotOf.fill(0);
    this.#chunks.length = 0;
    this.#bytes.length = 0;
    this.#freeSlots.length = 0;
    this.#slots = 0;
    state.frames.forEach((frame, i) => {
      this.view(frameNumber(frame)).set(state.contents.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE));
    });
  }
}

export interface PhysicalMemoryState {
  readonly frames: Int32Array;
  /** 4096 bytes for each of `frames`. */
  readonly contents: Uint8Array;
}
