import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { unreadable } from './read-input.ts';
import { UserError } from './user-error.ts';

/** Small enough to be still in the processor's cache when it is decoded. */
const CHUNK = 1 << 18;
/** Enough of a trace to guess its format. */
const HEAD = 4096;

const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP = [0x1f, 0x8b];

/** A file that holds a trace, or standard input, decompressed if its first bytes say zstd or gzip. */
export interface TraceInput {
  /** As messages name it. */
  readonly name: string;
  /** Its first bytes, some thousand if there are as many. */
  readonly head: Uint8Array;
  /** Whether `bytes` may be called once only. */
  readonly once: boolean;
  /**
   * All of its bytes; a chunk is valid until the next one is asked for.
   *
   * @param report hears how much has been read, of 1, where that is known
   * @throws {UserError} why it cannot be read
   */
  bytes(report: (done: number) => void): AsyncIterable<Uint8Array>;
}

/** @param path of a file, or `-` for standard input @throws {UserError} why it cannot be read */
export async function openTrace(path: string): Promise<TraceInput> {
  if (path === '-') return standardInput();
  const bytes: TraceInput['bytes'] = (report) => traceBytes(path, report);
  const [head] = await firstOf(traceBytes(path));
  return { name: path, head: head.slice(0, HEAD), once: false, bytes };
}

async function standardInput(): Promise<TraceInput> {
  const name = 'standard input';
  const [raw, rest] = await firstOf(process.stdin);
  const decompressor = decompressorOf(raw);
  const chunks = decompressor === undefined ? rest : piped(Readable.from(rest), decompressor);
  const [first, bytes] = await firstOf(explained(name, chunks));
  return { name, head: first.subarray(0, HEAD), once: true, bytes: () => bytes };
}

/** The first bytes of a stream, HEAD of them if there are as many, and the whole stream. */
async function firstOf(
  chunks: AsyncIterable<Uint8Array>,
): Promise<[first: Uint8Array, all: AsyncIterable<Uint8Array>]> {
  const iterator = chunks[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  for (let length = 0; length < HEAD; ) {
    const { done, value } = await iterator.next();
    if (done) break;
    pieces.push(value.slice());
    length += value.length;
  }
  const first = Buffer.concat(pieces);
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return [first, all()];
}

/**
 * The bytes of a file, as `TraceInput.bytes` gives them.
 * @throws {UserError} why the file cannot be read
 */
export function traceBytes(path: string, report: (done: number) => void = () => undefined): AsyncIterable<Uint8Array> {
  return explained(path, fileBytes(path, report));
}

async function* fileBytes(path: string, report: (done: number) => void): AsyncGenerator<Uint8Array> {
  const { size } = statSync(path);
  const read = (bytes: number): void => report(Math.min(1, bytes / size));
  const decompressor = decompressorOf(readHead(path, ZSTD.length));
  if (decompressor === undefined) {
    yield* plain(path, read);
    return;
  }
  const file = createReadStream(path, { highWaterMark: CHUNK });
  for await (const chunk of piped(file, decompressor)) {
    yield chunk;
    read(file.bytesRead);
  }
}

function decompressorOf(head: Uint8Array): Transform | undefined {
  const begins = (magic: readonly number[]): boolean => magic.every((byte, i) => head[i] === byte);
  return begins(ZSTD) ? createZstdDecompress() : begins(GZIP) ? createGunzip() : undefined;
}

/** An error of either stream ends the reader's loop, so the pipeline's own report is not needed. */
const piped = (source: Readable, decompressor: Transform): AsyncIterable<Uint8Array> =>
  pipeline(source, decompressor, () => undefined);

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

/** The same bytes; what goes wrong on the way is told in a sentence. */
async function* explained(name: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    const damaged = /^Z/.test((error as NodeJS.ErrnoException).code ?? '');
    throw damaged ? new UserError(`cannot read ${name}: its compressed data are damaged`) : unreadable(name, error);
  }
}
