import { OBJECT } from './calls.ts';
import type { ObjectBatch } from './policy.ts';

/**
 * How large each file was when its trace began, as far as the trace shows it: what was read without having been written
 * before was there. For a first pass over the trace, because readahead must not read behind the end of a file.
 */
export class FileSizes {
  readonly #sizes: number[] = [];
  /** How far each file was written. */
  readonly #written: number[] = [];

  /** Takes the next calls of the first pass. @returns 0, as a cache without misses */
  add({ calls }: ObjectBatch): number {
    if (calls === undefined) return 0;
    for (let i = 0; i < calls.count; i++) {
      const file = calls.file[i];
      if (file === OBJECT) continue;
      const end = calls.offset[i] + calls.length[i];
      if (calls.write[i] === 1) this.#written[file] = Math.max(this.#written[file] ?? 0, end);
      else if (end > (this.#written[file] ?? 0)) this.#sizes[file] = Math.max(this.of(file), end);
    }
    return 0;
  }

  /** Bytes. */
  of(file: number): number {
    return this.#sizes[file] ?? 0;
  }
}
