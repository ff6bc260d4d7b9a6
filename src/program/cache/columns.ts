/** Columns indexed by an object's number, which grow with the trace's footprint. New cells are 0. */

/** The column itself while it is long enough for `length` cells, else a longer copy (half as much again, at least). */
export function grownBytes(column: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (column.length >= length) return column;
  const longer = new Uint8Array(roomFor(length));
  longer.set(column);
  return longer;
}

/** The same for cells of 32 bits. */
export function grownWords(column: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (column.length >= length) return column;
  const longer = new Int32Array(roomFor(length));
  longer.set(column);
  return longer;
}

const roomFor = (length: number): number => Math.ceil(length * 1.5) + 1024;
