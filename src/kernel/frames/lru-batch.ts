import { type Pfn, pfn } from '../../hardware/units.ts';
import type { FrameTable } from './frame-table.ts';

/** PAGEVEC_SIZE of include/linux/pagevec.h. */
const BATCH = 31;

/**
 * Frames that wait for the same change of the LRU lists, so that the lists' lock is taken once for 31 of them (struct
 * cpu_fbatches). A flag marks each; a frame that was freed meanwhile has lost it and is passed over.
 */
export class LruBatch {
  readonly #table: FrameTable;
  readonly #mark: number;
  readonly #frames = new Int32Array(BATCH);
  #waiting = 0;

  constructor(table: FrameTable, mark: number) {
    this.#table = table;
    this.#mark = mark;
  }

  /** @returns whether the batch is full and must be drained */
  add(frame: Pfn): boolean {
    this.#table.set(frame, this.#mark);
    this.#frames[this.#waiting++] = frame;
    return this.#waiting === BATCH;
  }

  /** Empties the batch: `apply` gets each frame that still waits, its mark taken off. */
  drain(apply: (frame: Pfn) => void): void {
    const count = this.#waiting;
    this.#waiting = 0;
    for (let i = 0; i < count; i++) {
      const frame = pfn(this.#frames[i] as number);
      if (!this.#table.has(frame, this.#mark)) continue;
      this.#table.clear(frame, this.#mark);
      apply(frame);
    }
  }

  save(): Int32Array {
    return this.#frames.slice(0, this.#waiting);
  }

  restore(state: Int32Array): void {
    this.#frames.set(state);
    this.#waiting = state.length;
  }
}
