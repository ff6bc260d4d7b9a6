/**
 * A block: up to some hundred thousand records of one process, as columns. It decodes alone: whoever seeks starts at
 * any block with empty slot tables and both "previous pages" at zero (recording-format.md, "Blocks").
 */
import { BLOCK_HEAD_BYTES, BLOCK_MAGIC, RecordingError } from './format.ts';

export interface BlockHead {
  /** The process (ProcessFacts.stream). */
  readonly stream: number;
  /** The block's number in its stream, from 0. */
  readonly sequence: number;
  /** Records: page runs and events; also the length of `heads`. */
  readonly records: number;
  /** Instructions that the process had executed before this block. */
  readonly firstInstruction: number;
  /** Instructions (= fetches), loads and stores within the block. */
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
}

export interface Block extends BlockHead {
  /** One byte a record: kind (2 bits) + slot (6 bits), or an escape. */
  readonly heads: Uint8Array;
  /** For each new page: zigzag varint, minus the last new page of that class (fetch or data). */
  readonly pages: Uint8Array;
  /** For each data run: varint, its accesses. */
  readonly counts: Uint8Array;
  /** For each record: varint, instructions since the record before it (or the block's start). */
  readonly gaps: Uint8Array;
  /** For each event: type and payload (events.ts). */
  readonly events: Uint8Array;
}

const TWO_32 = 2 ** 32;
const readU64 = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
const writeU64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
};

/** Byte offsets in a block's head. */
const AT = { stream: 4, sequence: 8, records: 12, first: 16, instructions: 24, loads: 32, stores: 40, lengths: 48 };

/** The columns of a raw (decompressed) block, as views that share its bytes. Throws RecordingError. */
export function parseBlock(bytes: Uint8Array): Block {
  if (bytes.length < BLOCK_HEAD_BYTES) throw new RecordingError('a block is shorter than its head');
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_HEAD_BYTES);
  if (view.getUint32(0, true) !== BLOCK_MAGIC) throw new RecordingError('a block does not start with its mark');
  let end = BLOCK_HEAD_BYTES;
  const column = (length: number): Uint8Array => {
    end += length;
    return bytes.subarray(end - length, end);
  };
  const records = view.getUint32(AT.records, true);
  const block: Block = {
    stream: view.getUint32(AT.stream, true),
    sequence: view.getUint32(AT.sequence, true),
    records,
    firstInstruction: readU64(view, AT.first),
    instructions: readU64(view, AT.instructions),
    loads: readU64(view, AT.loads),
    stores: readU64(view, AT.stores),
    heads: column(records),
    pages: column(view.getUint32(AT.lengths, true)),
    counts: column(view.getUint32(AT.lengths + 4, true)),
    gaps: column(view.getUint32(AT.lengths + 8, true)),
    events: column(view.getUint32(AT.lengths + 12, true)),
  };
  if (end !== bytes.length) throw new RecordingError("a block's columns do not add up to its length");
  return block;
}

/** The raw bytes of a block. */
export function encodeBlock(block: Block): Uint8Array {
  const columns = [block.heads, block.pages, block.counts, block.gaps, block.events];
  const bytes = new Uint8Array(columns.reduce((sum, column) => sum + column.length, BLOCK_HEAD_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, BLOCK_MAGIC, true);
  view.setUint32(AT.stream, block.stream, true);
  view.setUint32(AT.sequence, block.sequence, true);
  view.setUint32(AT.records, block.records, true);
  writeU64(view, AT.first, block.firstInstruction);
  writeU64(view, AT.instructions, block.instructions);
  writeU64(view, AT.loads, block.loads);
  writeU64(view, AT.stores, block.stores);
  let at = BLOCK_HEAD_BYTES;
  for (const [index, column] of columns.entries()) {
    if (index > 0) view.setUint32(AT.lengths + 4 * (index - 1), column.length, true);
    bytes.set(column, at);
    at += column.length;
  }
  return bytes;
}

/** Puts a block that a recorder sent into its place in the file: stream, sequence and instructions before it. */
export function placeBlock(raw: Uint8Array, stream: number, sequence: number, firstInstruction: number): void {
  const view = new DataView(raw.buffer, raw.byteOffset, BLOCK_HEAD_BYTES);
  view.setUint32(AT.stream, stream, true);
  view.setUint32(AT.sequence, sequence, true);
  writeU64(view, AT.first, firstInstruction);
}
