/**
 * The recording file, as docs/recording-format.md defines it: constants, the types that travel through reader and
 * writer, and the 32-byte head of a chunk. Whoever changes a number here changes the format: raise the version.
 */

/** The file's first eight bytes. As in PNG, the odd ones show a transfer that mangled line ends or the top bit. */
export const MAGIC = Uint8Array.of(0x89, 0x46, 0x4c, 0x54, 0x0d, 0x0a, 0x1a, 0x0a);
/** The file's last eight bytes, after the 8-byte offset of the index: "FLTINDEX". */
export const TRAILER_MAGIC = Uint8Array.of(0x46, 0x4c, 0x54, 0x49, 0x4e, 0x44, 0x45, 0x58);
/** A reader refuses a higher major version; a higher minor one only adds what it may ignore. */
export const VERSION = { major: 1, minor: 0 } as const;
export const PREAMBLE_BYTES = 16;
export const TRAILER_BYTES = 16;
export const CHUNK_HEAD_BYTES = 32;
export const BLOCK_HEAD_BYTES = 64;

/** "FLCK", little-endian: the first word of every chunk. */
export const CHUNK_MAGIC = 0x4b434c46;
/** "FLB1", little-endian: the first word of every block, inside its compressed chunk. */
export const BLOCK_MAGIC = 0x31424c46;

export const CHUNK_HEADER = 1;
export const CHUNK_METADATA = 2;
export const CHUNK_BLOCK = 3;
export const CHUNK_INDEX = 4;

/** No chunk is larger, compressed or not; a length beyond it is damage, not a reason to allocate. */
export const MAX_CHUNK_BYTES = 1 << 28;

/** Kinds of page runs: the low two bits of a head byte. */
export const RUN_FETCH = 0;
export const RUN_READ = 1;
export const RUN_WRITE = 2;
export const ESCAPE = 3;
export type RunKind = 0 | 1 | 2;
/** An escape whose upper six bits are 0, 1 or 2 brings a new page for a run of that kind; 3 is an event. */
export const ESCAPE_EVENT = 3;

/** Pages that a decoder remembers for fetches, and again for data. */
export const SLOTS = 64;
/** The slot of a page: the top six bits of its low 32 bits times the golden ratio. */
export const slotOf = (page: number): number => Math.imul(page | 0, 0x9e3779b1) >>> 26;

/** Bad bytes in a recording. The message is one sentence; whoever knows the file's name puts it in front. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

/** How a chunk's bytes are stored. The numbers are the file's. */
export const COMPRESSION = { none: 0, zstd: 1, deflate: 2 } as const;
export type Compression = (typeof COMPRESSION)[keyof typeof COMPRESSION];

/** Compression is given from outside, as this layer knows no Node. Both must throw on failure. */
export interface Codec {
  /** What `compress` makes. */
  readonly compression: Compression;
  compress(bytes: Uint8Array): Uint8Array;
  /** Gives exactly `length` bytes, or throws. `compression` is whatever the chunk says. */
  decompress(bytes: Uint8Array, compression: Compression, length: number): Uint8Array;
}

/** Stores chunks as they are. For tests, and for tools that compress the file as a whole. */
export const PLAIN_CODEC: Codec = {
  compression: COMPRESSION.none,
  compress: (bytes) => bytes,
  decompress: (bytes, compression) => {
    if (compression !== COMPRESSION.none) throw new RecordingError(`no decompressor for method ${compression}`);
    return bytes;
  },
};

/** The head of a chunk. Lengths in bytes. */
export interface ChunkHead {
  readonly type: number;
  readonly compression: Compression;
  readonly storedBytes: number;
  readonly rawBytes: number;
  /** Of a block: its process stream, its number in the stream, its records. Zero in other chunks, but the lines of metadata. */
  readonly stream: number;
  readonly sequence: number;
  readonly records: number;
  /** CRC-32 of the head before this field and of the stored bytes. */
  readonly checksum: number;
}

export function encodeChunkHead(head: Omit<ChunkHead, 'checksum'>): Uint8Array {
  const bytes = new Uint8Array(CHUNK_HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CHUNK_MAGIC, true);
  view.setUint8(4, head.type);
  view.setUint8(5, head.compression);
  view.setUint32(8, head.storedBytes, true);
  view.setUint32(12, head.rawBytes, true);
  view.setUint32(16, head.stream, true);
  view.setUint32(20, head.sequence, true);
  view.setUint32(24, head.records, true);
  return bytes;
}

/** Reads a chunk's head, or says in one clause what is wrong with it. The checksum is not yet compared. */
export function decodeChunkHead(bytes: Uint8Array): ChunkHead | string {
  if (bytes.length < CHUNK_HEAD_BYTES) return 'the file ends inside the head of a chunk';
  const view = new DataView(bytes.buffer, bytes.byteOffset, CHUNK_HEAD_BYTES);
  if (view.getUint32(0, true) !== CHUNK_MAGIC) return 'no chunk starts here';
  const head: ChunkHead = {
    type: view.getUint8(4),
    compression: view.getUint8(5) as Compression,
    storedBytes: view.getUint32(8, true),
    rawBytes: view.getUint32(12, true),
    stream: view.getUint32(16, true),
    sequence: view.getUint32(20, true),
    records: view.getUint32(24, true),
    checksum: view.getUint32(28, true),
  };
  if (head.storedBytes > MAX_CHUNK_BYTES || head.rawBytes > MAX_CHUNK_BYTES)
    return 'a chunk claims an impossible length';
  return head;
}
