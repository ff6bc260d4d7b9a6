import type { EventRows, EventSink } from '../kernel/trace/event-log.ts';
import { TRACEPOINTS } from '../kernel/tracepoints.ts';
import {
  CHUNK_END,
  CHUNK_HEAD,
  CHUNK_HEADER,
  CHUNK_ROWS,
  CHUNK_STRINGS,
  EVENTS_MAGIC,
  EVENTS_VERSION,
  padded,
} from '../readers/events.ts';

/** Takes rows as the event log drains them, and knows when there are no more. */
export interface EventWriter {
  readonly sink: EventSink;
  /** @param lost rows that the log had to forget */
  end(lost: number): void;
}

/** Where a writer's bytes go; called in order, the bytes are the callee's to keep. */
export type ByteOutput = (bytes: Uint8Array) => void;

/**
 * Writes rows as columns (docs/events-format.md).
 * @param strings the log's strings, read again before each chunk because they grow
 * @param about goes into the header: what ran, on which machine
 */
export function columnarEventWriter(
  output: ByteOutput,
  strings: () => readonly string[],
  about: Readonly<Record<string, unknown>> = {},
): EventWriter {
  const magic = new Uint8Array(8);
  magic.set(new TextEncoder().encode(EVENTS_MAGIC));
  magic[7] = EVENTS_VERSION;
  output(magic);
  output(jsonChunk(CHUNK_HEADER, { tracepoints: TRACEPOINTS, about }));
  let known = 0;
  return {
    sink: (rows) => {
      const all = strings();
      if (all.length > known) output(jsonChunk(CHUNK_STRINGS, all.slice(known)));
      known = all.length;
      if (rows.count > 0) output(rowsChunk(rows));
    },
    end: (lost) => output(jsonChunk(CHUNK_END, { lost })),
  };
}

function chunk(type: string, length: number): { bytes: Uint8Array<ArrayBuffer>; payload: Uint8Array } {
  const bytes = new Uint8Array(CHUNK_HEAD + padded(length));
  bytes.set(new TextEncoder().encode(type));
  new DataView(bytes.buffer).setUint32(4, length, true);
  return { bytes, payload: bytes.subarray(CHUNK_HEAD) };
}

function jsonChunk(type: string, value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const { bytes, payload } = chunk(type, text.length);
  payload.set(text);
  return bytes;
}

/** Argument columns that hold nothing but zeros are left out; `mask` says which are there. */
function rowsChunk(rows: EventRows): Uint8Array {
  const args = rows.args.map((column) => (column.some((value) => value !== 0) ? column : undefined));
  const mask = args.reduce((bits, column, i) => (column ? bits | (1 << i) : bits), 0);
  const present = args.filter((column) => column !== undefined);
  const { count } = rows;
  const { bytes, payload } = chunk(CHUNK_ROWS, 8 + count * (15 + 8 * present.length));
  const view = new DataView(bytes.buffer, CHUNK_HEAD);
  view.setUint32(0, count, true);
  view.setUint32(4, mask, true);
  let at = 8;
  for (const column of [rows.time, ...present, rows.pid, rows.point, rows.cpu]) {
    payload.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += column.byteLength;
  }
  return bytes;
}
