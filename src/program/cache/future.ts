import { NEVER } from './request-buffer.ts';

const CHUNK = 1 << 20;
const NONE = 0x7fffffff;

/**
 * When each object is asked for next, found out by a first pass over the trace: for a policy that needs the future with
 * a format that does not tell it. Costs four bytes a request: the only part of a replay that grows with the trace's length.
 */
export class Future {
  /** Of each request the object; after `complete`, the request that asks for the same object next. */
  readonly #chunks: Int32Array[] = [];
  #length = 0;

  /** Takes the next requests of the first pass. @param objects dense numbers @throws {RangeError} the trace is too long */
  add(objects: Int32Array, count: number): void {
    if (this.#length + count >= NONE) throw new RangeError(`future: a trace of ${NONE} requests or more`);
    for (let i = 0; i < count; i++) {
      const at = this.#length++;
      if (at % CHUNK === 0) this.#chunks.push(new Int32Array(CHUNK));
      this.#chunks[Math.floor(at / CHUNK)][at % CHUNK] = objects[i];
    }
  }

  /** The first pass is over. @param footprint distinct objects in it */
  complete(footprint: number): void {
    const nextOf = new Int32Array(footprint).fill(NONE);
    for (let at = this.#length - 1; at >= 0; at--) {
      const chunk = this.#chunks[Math.floor(at / CHUNK)];
      const object = chunk[at % CHUNK];
      chunk[at % CHUNK] = nextOf[object];
      nextOf[object] = at;
    }
  }

  /** Writes the next accesses of `count` requests, the first of which is number `first` of the trace. */
  tell(next: Float64Array, first: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = first + i;
      const later = this.#chunks[Math.floor(at / CHUNK)][at % CHUNK];
      next[i] = later === NONE ? NEVER : later;
    }
  }
}
