import { Calls, OBJECT, ONLY_STREAM } from './calls.ts';

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
  /** The calls that the requests come from, when somebody wants to know. */
  readonly calls: Calls | undefined;
  readonly #deliver: (requests: RequestBuffer) => void;

  /**
   * @param deliver takes `count` requests out of the columns before it returns; they are overwritten then
   * @param wantsCalls whether the calls are to be kept too
   */
  constructor(deliver: (requests: RequestBuffer) => void, wantsCalls = false) {
    this.#deliver = deliver;
    this.calls = wantsCalls ? new Calls(BATCH) : undefined;
  }

  /** The calls that are added now were made so many nanoseconds after the first. */
  setTime(ns: number): void {
    if (this.calls !== undefined) this.calls.now = ns;
  }

  /** A call whose first request is the next one. Bytes; `stream` is the number of the open file. */
  addCall(file: number, offset: number, length: number, isWrite: boolean, stream: number = ONLY_STREAM): void {
    this.calls?.add(this.count, file, stream, offset, length, isWrite);
  }

  /** A call for the object that the next request is for. */
  addObjectCall(isWrite: boolean): void {
    this.calls?.add(this.count, OBJECT, ONLY_STREAM, 0, 0, isWrite);
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
    if (this.calls !== undefined) this.calls.count = 0;
  }
}
