/**
 * Writes a recording: header, then metadata and blocks in any order the caller likes (metadata before the block that
 * needs it), then the index. Whatever was written before a crash is a readable recording without index.
 */
import { type Block, encodeBlock } from './block.ts';
import { crc32 } from './crc32.ts';
import {
  CHUNK_BLOCK,
  CHUNK_HEAD_BYTES,
  CHUNK_HEADER,
  CHUNK_INDEX,
  CHUNK_METADATA,
  type ChunkHead,
  type Codec,
  type Compression,
  encodeChunkHead,
  MAGIC,
  PREAMBLE_BYTES,
  TRAILER_BYTES,
  TRAILER_MAGIC,
  VERSION,
} from './format.ts';
import type { MetadataLine, RecordingHeader } from './header.ts';
import type { IndexRow, RecordingIndex, RecordingTotals } from './index-rows.ts';

/** Where the bytes go, in order. May throw (a full disk); the writer is then of no more use. */
export type Sink = (bytes: Uint8Array) => void;

/** The totals of a block, which the index repeats. */
export type BlockTotals = Pick<
  Block,
  'stream' | 'sequence' | 'records' | 'firstInstruction' | 'instructions' | 'loads' | 'stores'
>;

export class RecordingWriter {
  /** Bytes written so far. */
  bytes = 0;
  readonly totals: RecordingTotals = { blocks: 0, records: 0, instructions: 0, loads: 0, stores: 0 };
  private readonly sink: Sink;
  private readonly codec: Codec;
  private readonly rows: IndexRow[] = [];
  private readonly metadataAt: number[] = [];

  constructor(sink: Sink, codec: Codec, header: RecordingHeader) {
    this.sink = sink;
    this.codec = codec;
    const preamble = new Uint8Array(PREAMBLE_BYTES);
    preamble.set(MAGIC);
    preamble[8] = VERSION.major;
    preamble[10] = VERSION.minor;
    this.put(preamble);
    this.json(CHUNK_HEADER, `${JSON.stringify(header)}\n`, 1);
  }

  metadata(lines: readonly MetadataLine[]): void {
    if (lines.length === 0) return;
    this.metadataAt.push(this.bytes);
    this.json(CHUNK_METADATA, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), lines.length);
  }

  /** Compresses and writes a block here and now. */
  block(block: Block): void {
    const raw = encodeBlock(block);
    this.storedBlock(block, this.codec.compress(raw), this.codec.compression, raw.length);
  }

  /** Writes a block that the caller compressed (in another thread, say). */
  storedBlock(totals: BlockTotals, stored: Uint8Array, compression: Compression, rawBytes: number): void {
    const { stream, sequence, records, firstInstruction, instructions, loads, stores } = totals;
    this.rows.push([this.bytes, stream, sequence, records, firstInstruction, instructions, loads, stores]);
    this.totals.blocks++;
    this.totals.records += records;
    this.totals.instructions += instructions;
    this.totals.loads += loads;
    this.totals.stores += stores;
    this.chunk(
      { type: CHUNK_BLOCK, compression, storedBytes: stored.length, rawBytes, stream, sequence, records },
      stored,
    );
  }

  /** Writes index and trailer. Nothing may follow. */
  finish(): void {
    const at = this.bytes;
    const index: RecordingIndex = { totals: this.totals, metadata: this.metadataAt, blocks: this.rows };
    this.json(CHUNK_INDEX, `${JSON.stringify(index)}\n`, 1);
    const trailer = new Uint8Array(TRAILER_BYTES);
    const view = new DataView(trailer.buffer);
    view.setUint32(0, at % 2 ** 32, true);
    view.setUint32(4, Math.floor(at / 2 ** 32), true);
    trailer.set(TRAILER_MAGIC, 8);
    this.put(trailer);
  }

  private json(type: number, text: string, records: number): void {
    const raw = new TextEncoder().encode(text);
    const stored = this.codec.compress(raw);
    const { compression } = this.codec;
    this.chunk(
      { type, compression, storedBytes: stored.length, rawBytes: raw.length, stream: 0, sequence: 0, records },
      stored,
    );
  }

  private chunk(head: Omit<ChunkHead, 'checksum'>, stored: Uint8Array): void {
    const bytes = encodeChunkHead(head);
    const checksum = crc32(stored, crc32(bytes.subarray(0, CHUNK_HEAD_BYTES - 4)));
    new DataView(bytes.buffer).setUint32(CHUNK_HEAD_BYTES - 4, checksum, true);
    this.put(bytes);
    this.put(stored);
  }

  private put(bytes: Uint8Array): void {
    this.sink(bytes);
    this.bytes += bytes.length;
  }
}
