import type { RequestBuffer } from '../../program/cache/request-buffer.ts';
import { CsvReader } from './csv.ts';
import { csvHeader } from './csv-columns.ts';
import { MsrReader } from './msr.ts';
import { beginsWithRecords, OracleGeneralReader } from './oracle-general.ts';
import { StraceReader } from './strace.ts';
import type { Damage } from './trace-error.ts';
import type { TraceReader } from './trace-reader.ts';

export interface ReaderOptions {
  /** One request for each record that a format splits into pages. */
  readonly wholeObjects: boolean;
  /** The columns of a CSV without a header. */
  readonly columns?: string;
}

export interface TraceFormat {
  readonly name: string;
  /** Whether every request says when its object is asked for next. */
  readonly knowsFuture: boolean;
  /** Whether it names files, which have an end, and not disks or objects. */
  readonly hasFiles: boolean;
  open(requests: RequestBuffer, damage: Damage, options: ReaderOptions): TraceReader;
}

export const TRACE_FORMATS: readonly TraceFormat[] = [
  {
    name: 'oracleGeneral',
    knowsFuture: true,
    hasFiles: false,
    open: (requests, damage) => new OracleGeneralReader(requests, damage),
  },
  {
    name: 'csv',
    knowsFuture: false,
    hasFiles: false,
    open: (requests, damage, options) => new CsvReader(requests, damage, options.wholeObjects, options.columns),
  },
  {
    name: 'msr',
    knowsFuture: false,
    hasFiles: false,
    open: (requests, damage, options) => new MsrReader(requests, damage, options.wholeObjects),
  },
  {
    name: 'strace',
    knowsFuture: false,
    hasFiles: true,
    open: (requests, damage, options) => new StraceReader(requests, damage, options.wholeObjects),
  },
];

/** Format of a trace by how its bytes begin. @param head the first some thousand bytes @returns a name of TRACE_FORMATS */
export function guessFormat(head: Uint8Array): string {
  // A text has no zero byte; a record of 24 bytes with an object's size in it has several.
  if (head.includes(0)) return 'oracleGeneral';
  const [line = ''] = new TextDecoder().decode(head).split('\n');
  if (/^\d+,[^,]*,\d+,(read|write),\d+,\d+,\d+\s*$/i.test(line)) return 'msr';
  if (/\w+\(.*\)\s+= |<unfinished \.\.\.>|^strace: /.test(line)) return 'strace';
  return 'csv';
}

/**
 * Whether a file that nobody called a cache trace is one, by how its bytes begin: so strictly that damaged files of other
 * kinds are not taken for one.
 */
export function beginsAsCacheTrace(head: Uint8Array): boolean {
  if (head.length === 0) return false;
  switch (guessFormat(head)) {
    case 'oracleGeneral':
      return beginsWithRecords(head);
    case 'csv':
      return csvHeader(new TextDecoder().decode(head).split(/\r?\n/)[0] ?? '') !== undefined;
    default:
      return true;
  }
}
