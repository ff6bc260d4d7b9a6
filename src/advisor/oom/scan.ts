/** Finds OOM reports in a log of any length, in constant memory: most of a journal is only searched for a few words. */
import { Buffer } from 'node:buffer';
import { Collector } from './collector.ts';
import { LineJoiner } from './line-joiner.ts';
import type { RawReport } from './raw-report.ts';

/** One of these stands in or near the first lines of any report, however it is cut. */
const NEEDLES = [
  'oom-kill',
  'oom_score_adj',
  'oom_reaper',
  'of memory',
  'memory: usage',
  'Mem-Info:',
  'ed process',
  'total_vm',
];
const NEWLINE = 10;
/** Lines without a word of a report after which it is over; a call trace has fewer. */
const PATIENCE = 400;
/** Lines before the first word found that may belong to it: the invoking name, before a hard wrap. */
const LINES_BEFORE = 2;
/** A longer line is cut: no line of a log is, and memory must be bounded. */
const LONGEST_LINE = 1 << 22;

export class OomScanner {
  private readonly collector: Collector;
  private readonly joiner: LineJoiner;
  /** Bytes whose line has not ended yet, or that the next chunk may show to be the beginning of a report. */
  private rest: Buffer = Buffer.alloc(0);
  private active = false;
  private idleLines = 0;

  /** @param onReport called for every event, as soon as its end is known */
  constructor(onReport: (report: RawReport) => void) {
    this.collector = new Collector(onReport);
    this.joiner = new LineJoiner((line) => {
      if (this.collector.push(line)) this.idleLines = 0;
    });
  }

  /** Takes the next bytes of the log. */
  push(chunk: Uint8Array): void {
    const bytes = this.rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (at < bytes.length) {
      if (!this.active) {
        const start = reportStart(bytes, at);
        if (start < 0) {
          this.rest = Buffer.from(bytes.subarray(Math.max(at, lastLines(bytes))));
          return;
        }
        at = start;
        this.active = true;
        this.idleLines = 0;
      }
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) break;
      this.line(bytes.toString('utf8', at, end));
      at = end + 1;
    }
    this.rest = Buffer.from(bytes.subarray(at, at + LONGEST_LINE));
  }

  /** The log is over: gives the reports that were still open. */
  end(): void {
    if (this.rest.length > 0) this.push(Buffer.from('\n'));
    this.joiner.flush();
    this.collector.flush();
  }

  private line(text: string): void {
    this.idleLines++;
    this.joiner.push(text);
    if (this.idleLines < PATIENCE) return;
    this.active = false;
    this.joiner.flush();
    this.collector.flush();
  }
}

/** Where the lines of the next report may begin, at or after `from`; -1 when no word of one is there. */
function reportStart(bytes: Buffer, from: number): number {
  let found = -1;
  for (const needle of NEEDLES) {
    // Each search ends where an earlier word was found, so that a word that is rare costs no more than the others.
    const at = (found < 0 ? bytes : bytes.subarray(0, found)).indexOf(needle, from, 'latin1');
    if (at >= 0) found = at;
  }
  if (found < 0) return -1;
  let start = found;
  for (let lines = 0; lines <= LINES_BEFORE && start > from; lines++) {
    start = bytes.lastIndexOf(NEWLINE, start - 1);
    if (start < from) return from;
  }
  return start < from ? from : start + (bytes[start] === NEWLINE ? 1 : 0);
}

/** Where the last lines begin, which may be the first of a report whose words come with the next chunk. */
function lastLines(bytes: Buffer): number {
  let start = bytes.length;
  for (let lines = 0; lines <= LINES_BEFORE; lines++) {
    const before = start <= 0 ? -1 : bytes.lastIndexOf(NEWLINE, start - 1);
    if (before < 0) return Math.max(0, bytes.length - LONGEST_LINE);
    start = before;
  }
  return Math.max(start + 1, bytes.length - LONGEST_LINE);
}
