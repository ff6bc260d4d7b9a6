import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
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
 * @param progress hears how much of the file has been read, of 1
 * @throws {UserError} why the file cannot be read
 */
export async function* traceBytes(
  path: string,
  progress: (done: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  try {
    const { size } = statSync(path);
    const report = (bytes: number): void => progress(Math.min(1, bytes / size));
    const magic = readHead(path, ZSTD.length);
    const begins = (bytes: readonly number[]): boolean => bytes.every((byte, i) => magic[i] === byte);
    if (begins(ZSTD)) yield* decompressed(path, createZstdDecompress(), report);
    else if (begins(GZIP)) yield* decompressed(path, createGunzip(), report);
    else yield* plain(path, report);
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

function* plain(path: string, report: (bytes: number) => void): Generator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK);
  const file = openSync(path, 'r');
  try {
    let bytes = 0;
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      yield buffer.subarray(0, length);
      bytes += length;
      report(bytes);
    }
  } finally {
    closeSync(file);
  }
}

async function* decompressed(
  path: string,
  decompressor: Transform,
  report: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: CHUNK });
  // An error of either stream ends the loop below, so the pipeline's own report is not needed.
  const stream: AsyncIterable<Uint8Array> = pipeline(file, decompressor, () => undefined);
  for await (const chunk of stream) {
    yield chunk;
    report(file.bytesRead);
  }
}
