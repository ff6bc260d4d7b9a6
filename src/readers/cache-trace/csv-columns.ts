/** What the columns of a CSV trace are, by their names. */

/** Places of the columns that matter, from 0; -1 when there is none. One of object and offset is there. */
export interface CsvColumns {
  /** How many columns a line has. */
  readonly count: number;
  readonly object: number;
  readonly volume: number;
  readonly offset: number;
  readonly size: number;
  readonly time: number;
  readonly op: number;
}

/** Other names that people give them. All other columns are passed over. */
const NAMES: Readonly<Record<'object' | 'volume' | 'offset' | 'size' | 'time' | 'op', readonly string[]>> = {
  object: ['object', 'obj', 'obj_id', 'object_id', 'id', 'key', 'block', 'lbn', 'lba'],
  volume: ['volume', 'disk', 'device', 'file'],
  offset: ['offset'],
  size: ['size', 'obj_size', 'object_size', 'length', 'bytes'],
  time: ['time', 'timestamp', 'ts'],
  op: ['op', 'operation', 'type', 'rw', 'cmd'],
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
    time: place('time'),
    op: place('op'),
  };
  return columns.object < 0 && columns.offset < 0 ? undefined : columns;
}

const SEPARATORS = [',', ';', '\t', ' '];

/** What separates the fields of a line: the first of comma, semicolon, tab and space that is in it. */
export const separatorOf = (line: string): string => SEPARATORS.find((each) => line.includes(each)) ?? ',';

/** The columns that a CSV's first line names, if it is a header. */
export const csvHeader = (line: string): CsvColumns | undefined => csvColumns(line.split(separatorOf(line)));
