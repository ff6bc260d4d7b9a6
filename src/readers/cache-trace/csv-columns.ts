/** What the columns of a CSV trace are, by their names. */

/** Places of the columns that matter, from 0; -1 when there is none. One of object and offset is there. */
export interface CsvColumns {
  /** How many columns a line has. */
  readonly count: number;
  readonly object: number;
  readonly volume: number;
  readonly offset: number;
  readonly size: number;
}

/** Other names that people give them. All other columns (time, op, ...) are passed over. */
const NAMES: Readonly<Record<'object' | 'volume' | 'offset' | 'size', readonly string[]>> = {
  object: ['object', 'obj', 'obj_id', 'object_id', 'id', 'key', 'block', 'lbn', 'lba'],
  volume: ['volume', 'disk', 'device', 'file'],
  offset: ['offset'],
  size: ['size', 'obj_size', 'object_size', 'length', 'bytes'],
};

/**
 * Understands a header or the value of --columns.
 *
 * @param names in order, in any case
 * @returns undefined when neither an object nor an offset is among them
 */
export function csvColumns(names: readonly string[]): CsvColumns | undefined {
  const plain = names.map((name) => name.trim().toLowerCase());
  const place = (column: keyof typeof NAMES): number => plain.findIndex((name) => NAMES[column].includes(name));
  const columns: CsvColumns = {
    count: names.length,
    object: place('object'),
    volume: place('volume'),
    offset: place('offset'),
    size: place('size'),
  };
  return columns.object < 0 && columns.offset < 0 ? undefined : columns;
}
