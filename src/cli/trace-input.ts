import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { unreadable } from './read-input.ts';
import { UserError } from './user-error.ts';

/** Small enough to be still in the processor's cache when it is decoded. */
const CHUNK = 1 << 18;

const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP = [0x1f, 0x8b];

/**
 * The bytes of a trace, decompressed if its first bytes say zstd or gzip. A chunk is valid until the next one is asked for.
 *
 * @throws {UserError} why the file cannot be read
 */
export async function* traceBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    const magic = readHead(path, ZSTD.length);
    const begins = (bytes: readonly number[]): boolean => bytes.every((byte, i) => magic[i] === byte);
    if (begins(ZSTD)) yield* decompressed(path, createZstdDecompress());
    else if (begins(GZIP)) yield* decompressed(path, createGunzip());
    else yield* plain(path);
  } catch (error) {
    const damaged = /^Z/.test((error as NodeJS.ErrnoException).code ?? '');
    throw damaged ? new UserError(`cannot read ${path}: its compressed data are damaged`) : unreadable(path, error);
  }
}

/** The first bytes of a trace, decompressed. @returns `length` bytes at most @throws {UserError} */
export async function traceHead(path: string, length: number): Promise<Uint8Array> {
  for await (const chunk of traceBytes(path)) return chunk.slice(0, length);
  return new Uint8Array(0);
}

function readHead(path: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

function* plain(path: string): Generator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK);
  const file = openSync(path, 'r');
  try {
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

/** An error of either stream ends the loop of the reader, so the pipeline's own report is not needed. */
function decompressed(path: string, decompressor: Transform): AsyncIterable<Uint8Array> {
  return pipeline(createReadStream(path, { highWaterMark: CHUNK }), decompressor, () => undefined);
}
