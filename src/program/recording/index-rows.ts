/** The index at the end of a recording: where each chunk starts, and the totals, so that a reader need not walk the file. */
import { RecordingError } from './format.ts';

export interface RecordingTotals {
  blocks: number;
  records: number;
  instructions: number;
  loads: number;
  stores: number;
}

/** Offset of the chunk, stream, sequence, records, first instruction, instructions, loads, stores. */
export type IndexRow = readonly [number, number, number, number, number, number, number, number];

export interface RecordingIndex {
  readonly totals: RecordingTotals;
  /** Offsets of the metadata chunks. */
  readonly metadata: readonly number[];
  readonly blocks: readonly IndexRow[];
}

const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Throws RecordingError unless the text is an index. */
export function parseIndex(text: string): RecordingIndex {
  let index: RecordingIndex;
  try {
    index = JSON.parse(text) as RecordingIndex;
  } catch {
    throw new RecordingError('the index is not JSON');
  }
  const rowsOk =
    Array.isArray(index?.blocks) &&
    index.blocks.every((row: unknown) => Array.isArray(row) && row.length >= 8 && row.every(isCount));
  const metadataOk = Array.isArray(index?.metadata) && index.metadata.every(isCount);
  const totals: unknown = index?.totals;
  const totalsOk = typeof totals === 'object' && totals !== null && Object.values(totals).every(isCount);
  if (!rowsOk || !metadataOk || !totalsOk) throw new RecordingError('the index has a wrong shape');
  return index;
}

/** The totals of these rows. */
export function sumRows(rows: readonly IndexRow[]): RecordingTotals {
  const totals: RecordingTotals = { blocks: rows.length, records: 0, instructions: 0, loads: 0, stores: 0 };
  for (const [, , , records, , instructions, loads, stores] of rows) {
    totals.records += records;
    totals.instructions += instructions;
    totals.loads += loads;
    totals.stores += stores;
  }
  return totals;
}
