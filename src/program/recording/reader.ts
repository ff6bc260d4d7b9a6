/**
 * Opens a recording, from memory or from anything that can read at an offset. With an index it knows every block at
 * once; without one (the recorder was killed, the file was cut) it walks the chunks, and what is whole is used. `damage`
 * then says in one sentence what is missing.
 */
import { type Block, parseBlock } from './block.ts';
import { crc32 } from './crc32.ts';
import {
  CHUNK_BLOCK,
  CHUNK_HEAD_BYTES,
  CHUNK_HEADER,
  CHUNK_INDEX,
  CHUNK_METADATA,
  type ChunkHead,
  type Codec,
  decodeChunkHead,
  MAGIC,
  PREAMBLE_BYTES,
  RecordingError,
  TRAILER_BYTES,
  TRAILER_MAGIC,
  VERSION,
} from './format.ts';
import { type FileFacts, type ProcessFacts, parseHeader, parseMetadataLine, type RecordingHeader } from './header.ts';
import { type IndexRow, parseIndex, type RecordingTotals, sumRows } from './index-rows.ts';

/** A file that can be read anywhere. `read` gives fewer bytes only at its end. */
export interface RandomAccess {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

interface Chunk {
  readonly head: ChunkHead;
  readonly stored: Uint8Array;
}

const inMemory = (bytes: Uint8Array): RandomAccess => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
});

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

export class RecordingReader {
  readonly header: RecordingHeader;
  /** Files of the program, in the order in which the recorder met them. */
  readonly files: FileFacts[] = [];
  /** Processes by stream; the command itself is the first. */
  readonly processes: ProcessFacts[] = [];
  /** One row a block, in the file's order: the order in which to replay. */
  readonly rows: readonly IndexRow[];
  /** Sums over all whole blocks. */
  readonly totals: RecordingTotals;
  /** What is missing or broken, as a sentence; undefined while all is whole. Grows truer as blocks are read. */
  damage: string | undefined;
  private readonly source: RandomAccess;
  private readonly codec: Codec;

  /** Throws RecordingError when it is no recording, too new, or broken before its first block. */
  static open(source: Uint8Array | RandomAccess, codec: Codec): RecordingReader {
    return new RecordingReader(source instanceof Uint8Array ? inMemory(source) : source, codec);
  }

  private constructor(source: RandomAccess, codec: Codec) {
    this.source = source;
    this.codec = codec;
    this.checkPreamble();
    const chunk = this.chunkAt(PREAMBLE_BYTES);
    if (typeof chunk === 'string') throw new RecordingError(`the recording is broken before its first block: ${chunk}`);
    if (chunk.head.type !== CHUNK_HEADER) throw new RecordingError('the recording does not begin with its header');
    this.header = parseHeader(this.text(chunk));
    this.rows = this.readIndex() ?? this.walk(PREAMBLE_BYTES + CHUNK_HEAD_BYTES + chunk.head.storedBytes);
    this.totals = sumRows(this.rows);
  }

  /** The columns of block `number` (its place in the file). Throws RangeError beyond the last, RecordingError on damage. */
  block(number: number): Block {
    const row = this.rows[number];
    if (row === undefined) throw new RangeError(`block: ${number} is not one of ${this.rows.length} blocks`);
    const chunk = this.chunkAt(row[0]);
    if (typeof chunk === 'string') throw new RecordingError(`block ${number} cannot be read: ${chunk}`);
    if (chunk.head.type !== CHUNK_BLOCK) {
      throw new RecordingError(`block ${number} cannot be read: another chunk is in its place`);
    }
    return this.parse(chunk);
  }

  /** The blocks from number `first` on, in replay order. Ends before a damaged one and sets `damage`. */
  *blocks(first = 0): Generator<Block> {
    for (let number = first; number < this.rows.length; number++) {
      let block: Block;
      try {
        block = this.block(number);
      } catch (error) {
        if (!(error instanceof RecordingError)) throw error;
        this.damage = `only the first ${number} of ${this.rows.length} blocks are whole: ${error.message}`;
        return;
      }
      yield block;
    }
  }

  private checkPreamble(): void {
    const preamble = this.source.read(0, PREAMBLE_BYTES);
    if (preamble.length < PREAMBLE_BYTES || !sameBytes(preamble.subarray(0, MAGIC.length), MAGIC)) {
      throw new RecordingError('this is not a faultline recording');
    }
    const major = (preamble[8] ?? 0) | ((preamble[9] ?? 0) << 8);
    if (major !== VERSION.major) {
      throw new RecordingError(
        `the recording has format version ${major}, and this program reads version ${VERSION.major}`,
      );
    }
  }

  /** The rows by the index, or undefined if the file has no whole one. */
  private readIndex(): readonly IndexRow[] | undefined {
    const trailer = this.source.read(Math.max(0, this.source.size - TRAILER_BYTES), TRAILER_BYTES);
    if (trailer.length < TRAILER_BYTES || !sameBytes(trailer.subarray(8), TRAILER_MAGIC)) return undefined;
    const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES);
    const at = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
    const chunk = this.chunkAt(at);
    if (typeof chunk === 'string' || chunk.head.type !== CHUNK_INDEX) return undefined;
    try {
      const index = parseIndex(this.text(chunk));
      for (const offset of index.metadata) {
        const metadata = this.chunkAt(offset);
        if (typeof metadata === 'string') throw new RecordingError(`the metadata cannot be read: ${metadata}`);
        this.takeMetadata(this.text(metadata));
      }
      return index.blocks;
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      this.files.length = this.processes.length = 0;
      return undefined;
    }
  }

  /** The rows by the chunks themselves, up to the first that is not whole. */
  private walk(from: number): readonly IndexRow[] {
    const rows: IndexRow[] = [];
    let at = from;
    let reason = 'the recorder did not get to write its index';
    while (at < this.source.size) {
      const chunk = this.chunkAt(at);
      if (typeof chunk === 'string') {
        reason = `${chunk} (at byte ${at} of ${this.source.size})`;
        break;
      }
      const { type, storedBytes } = chunk.head;
      if (type === CHUNK_INDEX) break;
      try {
        if (type === CHUNK_METADATA) this.takeMetadata(this.text(chunk));
        if (type === CHUNK_BLOCK) rows.push(rowOf(this.parse(chunk), at));
      } catch (error) {
        if (!(error instanceof RecordingError)) throw error;
        reason = `${error.message} (at byte ${at} of ${this.source.size})`;
        break;
      }
      at += CHUNK_HEAD_BYTES + storedBytes;
    }
    this.damage = `the recording is cut after ${rows.length} whole ${rows.length === 1 ? 'block' : 'blocks'}: ${reason}`;
    return rows;
  }

  private parse(chunk: Chunk): Block {
    const block = parseBlock(this.raw(chunk));
    const { stream, sequence, records } = chunk.head;
    if (block.stream !== stream || block.sequence !== sequence || block.records !== records) {
      throw new RecordingError('a block contradicts the head of its chunk');
    }
    return block;
  }

  private takeMetadata(text: string): void {
    for (const json of text.split('\n')) {
      if (json === '') continue;
      const line = parseMetadataLine(json);
      if (line?.kind === 'file') this.files.push(line);
      else if (line?.kind === 'process') this.processes.push(line);
    }
  }

  /** The chunk at `offset`, whole, or what is wrong with it. */
  private chunkAt(offset: number): Chunk | string {
    const bytes = this.source.read(offset, CHUNK_HEAD_BYTES);
    const head = decodeChunkHead(bytes);
    if (typeof head === 'string') return head;
    const stored = this.source.read(offset + CHUNK_HEAD_BYTES, head.storedBytes);
    if (stored.length < head.storedBytes) return 'the file ends inside a chunk';
    if (crc32(stored, crc32(bytes.subarray(0, CHUNK_HEAD_BYTES - 4))) !== head.checksum)
      return "a chunk's checksum is wrong";
    return { head, stored };
  }

  private raw({ head, stored }: Chunk): Uint8Array {
    let raw: Uint8Array;
    try {
      raw = this.codec.decompress(stored, head.compression, head.rawBytes);
    } catch (error) {
      throw new RecordingError(
        `a chunk cannot be decompressed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    if (raw.length !== head.rawBytes) throw new RecordingError('a chunk has another length than its head says');
    return raw;
  }

  private text(chunk: Chunk): string {
    return new TextDecoder().decode(this.raw(chunk));
  }
}

const rowOf = (block: Block, at: number): IndexRow => [
  at,
  block.stream,
  block.sequence,
  block.records,
  block.firstInstruction,
  block.instructions,
  block.loads,
  block.stores,
];
