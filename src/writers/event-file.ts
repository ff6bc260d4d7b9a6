import { closeSync, openSync, writeSync } from 'node:fs';
import type { EventLog } from '../kernel/trace/event-log.ts';
import { tracepointsNamed } from '../kernel/tracepoints.ts';
import { type ByteOutput, columnarEventWriter, type EventWriter } from './events.ts';
import { csvEventWriter, jsonlEventWriter } from './events-text.ts';

export interface EventFileOptions {
  /** Which tracepoints, as `tracepointsNamed` takes them; all when not given. */
  readonly points?: string | undefined;
  /** What ran, on which machine: goes into the header. */
  readonly about?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Starts a machine's event log and writes what it says to a file: columns, or text for names in `.csv` and `.jsonl`.
 * @returns a function that ends the log and closes the file; call it when the machine has stopped, also after an error
 * @throws RangeError for a tracepoint that does not exist, Node's error when the file cannot be made
 */
export function traceToFile(log: EventLog, path: string, options: EventFileOptions = {}): () => void {
  const points = options.points === undefined ? undefined : tracepointsNamed(options.points);
  const fd = openSync(path, 'w');
  const output: ByteOutput = (bytes) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  };
  const writer = writerFor(path, output, log, options.about);
  log.start(writer.sink, points);
  return () => {
    log.stop();
    writer.end(log.lost);
    closeSync(fd);
  };
}

function writerFor(path: string, output: ByteOutput, log: EventLog, about: EventFileOptions['about']): EventWriter {
  const strings = () => log.strings;
  if (path.endsWith('.csv')) return csvEventWriter(output, strings);
  if (path.endsWith('.jsonl')) return jsonlEventWriter(output, strings);
  return columnarEventWriter(output, strings, about);
}
