/** Rows of events as columns, `count` of them, oldest first. The columns are valid only while the sink runs. */
export interface EventRows {
  readonly count: number;
  /** Nanoseconds since boot. */
  readonly time: Float64Array;
  /** The tracepoint's number, an index of TRACEPOINTS. */
  readonly point: Uint16Array;
  readonly cpu: Uint8Array;
  readonly pid: Int32Array;
  /** Six columns, in the order of the tracepoint's fields; 0 where it has fewer. */
  readonly args: readonly Float64Array[];
}

export type EventSink = (rows: EventRows) => void;

export interface EventLogState {
  readonly strings: readonly string[];
}

const COLUMNS = 6;
const MAX_POINTS = 1 << 10;

/**
 * The event stream: a ring of rows that is written only while someone listens. With a sink the ring is handed over
 * whenever it is full, so no row is lost. Without one it keeps the newest rows and `lost` counts those overwritten,
 * as the kernel's trace buffer does.
 *
 * `emit` is called only behind `if (trace.on)`: then a machine that nobody watches pays one comparison for each event.
 */
export class EventLog {
  /** The CPU on which the kernel runs now; the machine sets it when it switches. */
  cpu = 0;
  /** The task that runs there, for places in the kernel that do not know it; 0 while nobody does. */
  pid = 0;
  /** The address space that is loaded there. */
  mm = 0;
  #on = false;
  #sink: EventSink | undefined;
  readonly #clock: { readonly now: number };
  readonly #capacity: number;
  readonly #enabled = new Uint8Array(MAX_POINTS);
  /** Rows written since `start`; the ring holds the last of them. */
  #written = 0;
  /** Rows given to a sink or read. */
  #drained = 0;
  #lost = 0;
  #rows: EventRows | undefined;
  readonly #strings: string[] = [];
  readonly #ids = new Map<string, number>();

  /** @param capacity rows; storage is taken at the first `start` */
  constructor(clock: { readonly now: number }, capacity = 1 << 14) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`EventLog: a ring of ${capacity} rows`);
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get on(): boolean {
    return this.#on;
  }

  /** Rows that were overwritten before anyone read them, since `start`. */
  get lost(): number {
    return this.#lost;
  }

  /** Interned strings by number. */
  get strings(): readonly string[] {
    return this.#strings;
  }

  /**
   * Begins to write rows.
   * @param sink takes the rows whenever the ring is full and at `drain` and `stop`; undefined: keep the newest
   * @param points the tracepoints to write; all when not given
   */
  start(sink?: EventSink, points?: readonly number[]): void {
    this.#rows ??= rowsOf(this.#capacity);
    this.#sink = sink;
    this.#written = this.#drained = this.#lost = 0;
    this.#enabled.fill(points === undefined ? 1 : 0);
    for (const point of points ?? []) this.#enabled[point] = 1;
    this.#on = true;
  }

  /** Hands over what is left and writes no more. */
  stop(): void {
    this.drain();
    this.#on = false;
    this.#sink = undefined;
  }

  /** Writes one row; arguments in the order of the tracepoint's fields, strings as `intern` numbers them. */
  emit(point: number, pid: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): void {
    const rows = this.#rows;
    if (!this.#on || rows === undefined || this.#enabled[point] === 0) return;
    if (this.#written - this.#drained === this.#capacity) this.#makeRoom();
    const at = this.#written++ % this.#capacity;
    rows.time[at] = this.#clock.now;
    rows.point[at] = point;
    rows.cpu[at] = this.cpu;
    rows.pid[at] = pid;
    const args = rows.args as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
    args[0][at] = a;
    args[1][at] = b;
    args[2][at] = c;
    args[3][at] = d;
    args[4][at] = e;
    args[5][at] = f;
  }

  /** The number that stands for a string in an argument column. */
  intern(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#ids.set(text, this.#strings.length);
    return this.#strings.push(text) - 1;
  }

  /** Gives the rows not yet handed over to the sink, oldest first; with no sink they stay. */
  drain(): void {
    if (this.#sink === undefined) return;
    this.read(this.#sink);
    this.#drained = this.#written;
  }

  /** Shows the rows in the ring, oldest first, without taking them away. Called at most twice: a ring has two parts. */
  read(visit: EventSink): void {
    const rows = this.#rows;
    if (rows === undefined) return;
    let from = this.#drained;
    while (from < this.#written) {
      const at = from % this.#capacity;
      const count = Math.min(this.#written - from, this.#capacity - at);
      visit(slice(rows, at, count));
      from += count;
    }
  }

  #makeRoom(): void {
    if (this.#sink !== undefined) this.drain();
    else {
      this.#drained++;
      this.#lost++;
    }
  }

  /** Only the strings: rows belong to the listener, and a restored machine has none yet. */
  save(): EventLogState {
    return { strings: this.#strings.slice() };
  }

  restore(state: EventLogState): void {
    this.#strings.length = 0;
    this.#ids.clear();
    for (const text of state.strings) this.intern(text);
  }
}

function rowsOf(capacity: number): EventRows {
  return {
    count: capacity,
    time: new Float64Array(capacity),
    point: new Uint16Array(capacity),
    cpu: new Uint8Array(capacity),
    pid: new Int32Array(capacity),
    args: Array.from({ length: COLUMNS }, () => new Float64Array(capacity)),
  };
}

function slice(rows: EventRows, at: number, count: number): EventRows {
  const end = at + count;
  return {
    count,
    time: rows.time.subarray(at, end),
    point: rows.point.subarray(at, end),
    cpu: rows.cpu.subarray(at, end),
    pid: rows.pid.subarray(at, end),
    args: rows.args.map((column) => column.subarray(at, end)),
  };
}
