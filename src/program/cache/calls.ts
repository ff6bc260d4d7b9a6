/** `file` of a call for an object, which has no place: the call is for all of it. */
export const OBJECT = -1;
/** `stream` of the calls of a file that is opened once. */
export const ONLY_STREAM = 0;
/** Bytes of a disk or file at most, 4 TiB. */
export const LARGEST_FILE: number = 2 ** 42;

/**
 * The calls of programs that the requests of a batch come from: what a page cache is asked for, which is more than which
 * page. A call for many pages stands in the batch of its first one.
 */
export class Calls {
  count = 0;
  /** Which request of the batch is the call's first. */
  readonly request: Int32Array;
  /** Number of the volume or file, or OBJECT. */
  readonly file: Int32Array;
  /** Number of the open file in the trace, or ONLY_STREAM: calls through one go on with its readahead. */
  readonly stream: Int32Array;
  /** Bytes. */
  readonly offset: Float64Array;
  readonly length: Int32Array;
  /** 1 for a write, 0 for a read. */
  readonly write: Uint8Array;
  /** Nanoseconds since the trace began, as far as it tells. */
  readonly time: Float64Array;
  /** When the calls that are added now were made, in nanoseconds. */
  now = 0;

  /** @param room calls of a batch at most */
  constructor(room: number) {
    this.request = new Int32Array(room);
    this.file = new Int32Array(room);
    this.stream = new Int32Array(room);
    this.offset = new Float64Array(room);
    this.length = new Int32Array(room);
    this.write = new Uint8Array(room);
    this.time = new Float64Array(room);
  }

  add(request: number, file: number, stream: number, offset: number, length: number, isWrite: boolean): void {
    const at = this.count++;
    this.request[at] = request;
    this.file[at] = file;
    this.stream[at] = stream;
    this.offset[at] = offset;
    this.length[at] = length;
    this.write[at] = isWrite ? 1 : 0;
    this.time[at] = this.now;
  }
}
