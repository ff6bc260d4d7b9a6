/**
 * Recordings on this host: Node's compression as the format's codec, and files as its source. zstd came to Node with
 * versions 22.15 and 23.8; an older Node writes deflate and says so when it meets zstd.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import * as zlib from 'node:zlib';
import { COMPRESSION, type Codec, type Compression, RecordingError } from '../program/recording/format.ts';
import { type RandomAccess, RecordingReader } from '../program/recording/reader.ts';

const hasZstd = typeof zlib.zstdCompressSync === 'function';
const zstdLevel = (level: number): zlib.ZstdOptions => ({
  params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
  // Room for the result in one piece: every further piece would be a way to the thread and back.
  chunkSize: 1 << 18,
});
const DEFLATE_OPTIONS = { level: 6, chunkSize: 1 << 18 };
/** What files of this size deserve when nobody waits. */
const THOROUGH = 6;

/** Compresses with zstd where Node can, else with deflate. */
export const nodeCodec: Codec = {
  compression: hasZstd ? COMPRESSION.zstd : COMPRESSION.deflate,
  compress: (bytes) =>
    hasZstd ? zlib.zstdCompressSync(bytes, zstdLevel(THOROUGH)) : zlib.deflateSync(bytes, DEFLATE_OPTIONS),
  decompress: (bytes, compression, length) => {
    // One byte more than promised shows a chunk that is longer; more than that is never allocated.
    // All in one piece: pieces of 16 KiB put together afterwards take twice as long. Node's least piece is 64 bytes.
    const limit = { maxOutputLength: length + 1, chunkSize: Math.max(64, length + 1) };
    switch (compression) {
      case COMPRESSION.none:
        return bytes;
      case COMPRESSION.deflate:
        return zlib.inflateSync(bytes, limit);
      case COMPRESSION.zstd:
        if (!hasZstd) throw new RecordingError('it is compressed with zstd, which needs Node 22.15 or later');
        return zlib.zstdDecompressSync(bytes, limit);
      default:
        throw new RecordingError(`it is compressed with the unknown method ${compression satisfies never}`);
    }
  },
};

/** Compresses in a thread of Node's pool. @param level zstd's: 6 is thorough, 1 is three times as fast and a fifth larger */
export function compressAside(
  bytes: Uint8Array,
  level: number = THOROUGH,
): Promise<{ stored: Uint8Array; compression: Compression }> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, stored: Uint8Array): void => {
      if (error) reject(error);
      else resolve({ stored, compression: nodeCodec.compression });
    };
    if (hasZstd) zlib.zstdCompress(bytes, zstdLevel(level), done);
    else zlib.deflate(bytes, DEFLATE_OPTIONS, done);
  });
}

/**
 * Opens a recording file. Throws RecordingError for its contents, Node's own error when the file cannot be read.
 * `close()` gives the descriptor back.
 */
export function openRecording(path: string): { reader: RecordingReader; close: () => void } {
  const fd = openSync(path, 'r');
  try {
    const source: RandomAccess = {
      size: fstatSync(fd).size,
      read: (offset, length) => {
        const room = Math.max(0, Math.min(length, source.size - offset));
        const bytes = new Uint8Array(room);
        return bytes.subarray(0, room === 0 ? 0 : readSync(fd, bytes, 0, room, offset));
      },
    };
    return { reader: RecordingReader.open(source, nodeCodec), close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
