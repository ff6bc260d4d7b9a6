/**
 * Reads the event files that `--events FILE` writes. The format is described in docs/events-format.md: eight bytes of
 * magic and version, then chunks of a four-letter type, a length and a payload that is filled up to eight bytes.
 */
import type { EventRows } from '../kernel/trace/event-log.ts';
import type { Tracepoint } from '../kernel/tracepoints.ts';

export const EVENTS_MAGIC = 'FLEVENT';
export const EVENTS_VERSION = 1;
/** Bytes of type and length in front of each payload. */
export const CHUNK_HEAD = 8;

export const CHUNK_HEADER = 'HEAD';
export const CHUNK_STRINGS = 'STRS';
export const CHUNK_ROWS = 'ROWS';
export const CHUNK_END = 'DONE';

/** Payloads are filled up with zeros to a multiple of this, so that every column lies where its numbers may be read. */
export const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** What the HEAD chunk says, as JSON. */
export interface EventsHeader {
  /** Definitions by number: `point` of a row is an index. */
  readonly tracepoints: readonly Tracepoint[];
  /** Whatever the writer was told about the machine and its program. */
  readonly about: Readonly<Record<string, unknown>>;
}

export interface EventFile {
  readonly header: EventsHeader;
  /** A field of type `s` is an index. */
  readonly strings: readonly string[];
  readonly chunks: readonly EventRows[];
  readonly rows: number;
  /** Rows that the ring overwrote; 0 when it was drained as it filled. */
  readonly lost: number;
  /** False when the file was cut off: then `chunks` is what came before. */
  readonly complete: boolean;
}

/** The bytes are no event file, or of another version. */
export class EventFileError extends Error {
  override name = 'EventFileError';
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * Reads a whole event file.
 * @throws EventFileError when it is not one; a file that was cut off is read up to its last whole chunk
 */
export function readEvents(file: Uint8Array): EventFile {
  // A copy begins at an address that every column may lie behind, wherever `file` lies in its buffer.
  const bytes = new Uint8Array(file);
  const view = new DataView(bytes.buffer);
  if (bytes.length < 8 || textOf(bytes.subarray(0, 7)) !== EVENTS_MAGIC) throw new EventFileError('not an event file');
  if (bytes[7] !== EVENTS_VERSION)
    throw new EventFileError(`event file version ${bytes[7]}; this program reads version ${EVENTS_VERSION}`);

  let header: EventsHeader | undefined;
  let end: { lost: number } | undefined;
  const strings: string[] = [];
  const chunks: EventRows[] = [];
  for (let at = 8; at + CHUNK_HEAD <= bytes.length && end === undefined; ) {
    const type = textOf(bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const from = at + CHUNK_HEAD;
    if (from + length > bytes.length) break;
    const payload = bytes.subarray(from, from + length);
    if (type === CHUNK_HEADER) header = json(payload, type, isHeader);
    else if (type === CHUNK_STRINGS) strings.push(...json(payload, type, isStrings));
    else if (type === CHUNK_END) end = json(payload, type, isEnd);
    else if (type === CHUNK_ROWS) chunks.push(columns(bytes.buffer, from, length));
    else throw new EventFileError(`byte ${at}: a chunk of the unknown type ${JSON.stringify(type)}`);
    at = from + padded(length);
  }
  if (header === undefined) throw new EventFileError('the file ends before its header');
  const rows = chunks.reduce((sum, { count }) => sum + count, 0);
  return { header, strings, chunks, rows, lost: end?.lost ?? 0, complete: end !== undefined };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isHeader = (value: unknown): value is EventsHeader =>
  isObject(value) && Array.isArray(value.tracepoints) && isObject(value.about);
const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');
const isEnd = (value: unknown): value is { lost: number } => isObject(value) && typeof value.lost === 'number';

function json<T>(payload: Uint8Array, type: string, isRight: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(textOf(payload));
  } catch {
    throw new EventFileError(`a chunk ${type} that is not JSON`);
  }
  if (!isRight(value)) throw new EventFileError(`a chunk ${type} that says something else than it should`);
  return value;
}

/** A ROWS chunk: count, mask of the argument columns that are there, and the columns from the widest to the narrowest. */
function columns(buffer: ArrayBuffer, from: number, length: number): EventRows {
  const view = new DataView(buffer, from, length);
  const count = length < 8 ? -1 : view.getUint32(0, true);
  const mask = count < 0 ? 0 : view.getUint32(4, true);
  let at = from + 8;
  const doubles = () => {
    at += count * 8;
    return new Float64Array(buffer, at - count * 8, count);
  };
  const width = 8 + 4 + 2 + 1 + 8 * [0, 1, 2, 3, 4, 5].filter((column) => mask & (1 << column)).length;
  if (count < 0 || 8 + count * width !== length)
    throw new EventFileError(`a chunk ROWS of ${count} rows in ${length} bytes`);
  const time = doubles();
  const args = [0, 1, 2, 3, 4, 5].map((column) => (mask & (1 << column) ? doubles() : new Float64Array(count)));
  const pid = new Int32Array(buffer, at, count);
  const point = new Uint16Array(buffer, at + count * 4, count);
  const cpu = new Uint8Array(buffer, at + count * 6, count);
  return { count, time, point, cpu, pid, args };
}
