import type { ByteSink, ByteSource } from './snapshot-bytes.ts';

/** Typed arrays that a state may hold; a column's place here is its kind in the bytes, so new ones go to the end. */
const KINDS = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  Uint8ClampedArray,
] as const;

export type Column = InstanceType<(typeof KINDS)[number]>;

/** Shorter runs of one value are cheaper among the others. */
const SHORTEST_RUN = 8;
const MAX_LENGTH = 2 ** 32;

const kindOf = (value: unknown): number => KINDS.findIndex((Kind) => value instanceof Kind);

export const isColumn = (value: unknown): value is Column => kindOf(value) >= 0;

/** The column as words that can be compared bit by bit: one for each element, two for a double. */
function wordsOf(column: Column): { words: Uint8Array | Uint16Array | Uint32Array; stride: 1 | 2 } {
  const { buffer, byteOffset, length, BYTES_PER_ELEMENT: size } = column;
  if (size === 1) return { words: new Uint8Array(buffer, byteOffset, length), stride: 1 };
  if (size === 2) return { words: new Uint16Array(buffer, byteOffset, length), stride: 1 };
  if (size === 4) return { words: new Uint32Array(buffer, byteOffset, length), stride: 1 };
  return { words: new Uint32Array(buffer, byteOffset, length * 2), stride: 2 };
}

/** The element behind the run of equal elements that begins at `from`. */
function runEnd(words: Uint8Array | Uint16Array | Uint32Array, stride: 1 | 2, from: number, length: number): number {
  let end = from + 1;
  if (stride === 1) {
    const value = words[from];
    while (end < length && words[end] === value) end++;
    return end;
  }
  const low = words[2 * from];
  const high = words[2 * from + 1];
  while (end < length && words[2 * end] === low && words[2 * end + 1] === high) end++;
  return end;
}

/**
 * Writes a typed array as pieces: a count times two, plus one for a run of one value, and then that value or the
 * elements. A frame table of a machine that is mostly free costs next to nothing. Bytes are those of a little-endian
 * processor.
 */
export function writeColumn(sink: ByteSink, column: Column): void {
  const { length, BYTES_PER_ELEMENT: size } = column;
  const raw = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  const { words, stride } = wordsOf(column);
  sink.byte(kindOf(column));
  sink.count(length);
  let literal = 0;
  const flush = (end: number) => {
    if (end === literal) return;
    sink.count(2 * (end - literal));
    sink.bytes(raw.subarray(literal * size, end * size));
  };
  for (let at = 0; at < length; ) {
    const end = runEnd(words, stride, at, length);
    if (end - at >= SHORTEST_RUN) {
      flush(at);
      sink.count(2 * (end - at) + 1);
      sink.bytes(raw.subarray(at * size, (at + 1) * size));
      literal = end;
    }
    at = end;
  }
  flush(length);
}

/** Reads a typed array that `writeColumn` wrote. */
export function readColumn(source: ByteSource): Column {
  const Kind = KINDS[source.byte()];
  if (Kind === undefined) return source.fail('an unknown kind of typed array');
  const length = source.count();
  if (length > MAX_LENGTH) source.fail(`a typed array of ${length} elements`);
  const size = Kind.BYTES_PER_ELEMENT;
  const pieces: { from: number; end: number; run: boolean; bytes: Uint8Array }[] = [];
  for (let from = 0; from < length; ) {
    const head = source.count();
    const run = head % 2 === 1;
    const end = from + Math.floor(head / 2);
    if (end === from || end > length) source.fail('a piece of a typed array does not fit');
    pieces.push({ from, end, run, bytes: source.bytes(run ? size : (end - from) * size) });
    from = end;
  }
  const column = new Kind(length);
  const raw = new Uint8Array(column.buffer);
  for (const { from, end, run, bytes } of pieces) {
    raw.set(bytes, from * size);
    if (run && bytes.some((byte) => byte !== 0)) column.fill(column[from] as number, from, end);
  }
  return column;
}
