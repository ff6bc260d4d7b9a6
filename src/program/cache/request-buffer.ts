/** Requests as a reader of traces decodes them: columns of a fixed length that are handed on whenever they are full. */

/** Enough to spread the cost of a batch, small enough to stay in a core's second cache together with what it becomes. */
const BATCH = 8192;

/** The next access of an object that is never asked for again. */
export const NEVER = Number.POSITIVE_INFINITY;

/**
 * Names of objects are 64 bits wide, in two halves: an identifier of the trace as it stands there, or the page of a
 * volume or file (`addBlock`). One trace uses one of the two.
 */
export class RequestBuffer {
  readonly low = new Int32Array(BATCH);
  readonly high = new Int32Array(BATCH);
  /** Which request of the trace, from 0, asks for the same object next; NEVER when none does. Only where the format tells it. */
  readonly next = new Float64Array(BATCH);
  count = 0;
  readonly #deliver: (requests: RequestBuffer) => void;

  /** @param deliver takes `count` requests out of the columns before it returns; they are overwritten then */
  constructor(deliver: (requests: RequestBuffer) => void) {
    this.#deliver = deliver;
  }

  add(low: number, high: number, next: number): void {
    const at = this.count++;
    this.low[at] = low;
    this.high[at] = high;
    this.next[at] = next;
    if (at === BATCH - 1) this.flush();
  }

  /**
   * One request for a block of a volume or file.
   *
   * @param volume its number, below 2^20
   * @param block its number in the volume, below 2^44: a byte offset of 53 bits in sectors of 512 bytes
   */
  addBlock(volume: number, block: number): void {
    this.add(block, volume * 4096 + Math.floor(block / 2 ** 32), 0);
  }

  /** Hands on what is there. A reader calls it at the end of its trace. */
  flush(): void {
    if (this.count > 0) this.#deliver(this);
    this.count = 0;
  }
}
