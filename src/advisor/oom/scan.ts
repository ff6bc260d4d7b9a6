/** Finds OOM reports in a log of any length, in constant memory: most of a journal is only searched for a few words. */
import { Buffer } from 'node:buffer';
import { Collector } from './collector.ts';
import { LineJoiner } from './line-joiner.ts';
import { LineWindow } from './line-window.ts';
import { beginsWithPrefix, isPlainLine } from './plain-line.ts';
import type { RawReport } from './raw-report.ts';
import { WordSearch } from './word-search.ts';

/** One of these stands in or near the first lines of any report, however it is cut. */
const NEEDLES = [
  'oom-kill',
  'oom_score_adj',
  'oom_reaper',
  'ut of memory',
  'memory: usage',
  'Mem-Info:',
  'Killed process',
  'total_vm',
];
const WORDS = new WordSearch(NEEDLES);
const NEWLINE = 10;
/** Lines without a word of a report after which it is over; a call trace has fewer. */
const PATIENCE = 400;
/** The same where no report has begun: the word was somebody else's. */
const IMPATIENCE = 30;
/** Lines before the first word that may belong to it: rows and counters, where the lines were shuffled or grepped. */
const LINES_BEFORE = 400;
/** A longer line is cut: no line of a log is, and memory must be bounded. */
const LONGEST_LINE = 1 << 22;

export class OomScanner {
  private readonly collector: Collector;
  private readonly window: LineWindow;
  private readonly joiner: LineJoiner;
  /** Bytes whose line has not ended yet, or that the next chunk may show to be the beginning of a report. */
  private rest: Buffer = Buffer.alloc(0);
  /** The line before, when it was plain: it is not read yet. */
  private plain: Buffer | undefined;
  private active = false;
  private idleLines = 0;

  /** @param onReport called for every event, as soon as its end is known */
  constructor(onReport: (report: RawReport) => void) {
    this.collector = new Collector(onReport);
    this.window = new LineWindow((kind, line) => this.collector.push(kind, line));
    this.joiner = new LineJoiner((line) => {
      if (this.window.push(line)) this.idleLines = Math.min(this.idleLines, 0);
    });
  }

  /** Takes the next bytes of the log. */
  push(chunk: Uint8Array): void {
    const bytes = this.rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (at < bytes.length) {
      if (!this.active) {
        const word = WORDS.next(bytes, at);
        if (word === bytes.length) {
          this.rest = Buffer.from(bytes.subarray(Math.max(at, lastLines(bytes))));
          return;
        }
        at = reportStart(bytes, at, word);
        this.active = true;
        this.idleLines = -LINES_BEFORE;
      }
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) break;
      this.line(bytes, at, end);
      at = end + 1;
    }
    this.rest = Buffer.from(bytes.subarray(at, at + LONGEST_LINE));
  }

  /** The log is over: gives the reports that were still open. */
  end(): void {
    if (this.rest.length > 0) this.push(Buffer.from('\n'));
    this.flush();
  }

  private line(bytes: Buffer, start: number, end: number): void {
    this.idleLines++;
    // A plain line matters only when the next one may be the rest of it.
    if (this.plain !== undefined && !beginsWithPrefix(bytes, start, end)) this.joiner.push(this.plain.toString('utf8'));
    if (isPlainLine(bytes, start, end)) {
      this.joiner.flush();
      this.plain = bytes.subarray(start, end);
    } else {
      this.plain = undefined;
      this.joiner.push(bytes.toString('utf8', start, end));
    }
    if (this.idleLines < (this.window.isOpen ? PATIENCE : IMPATIENCE)) return;
    this.active = false;
    this.flush();
  }

  private flush(): void {
    this.plain = undefined;
    this.joiner.flush();
    this.window.flush();
    this.collector.flush();
  }
}

/** Where the lines of the report begin that has a word at `word`, not before `from`. */
function reportStart(bytes: Buffer, from: number, word: number): number {
  let start = word;
  for (let lines = 0; lines <= LINES_BEFORE && start > from; lines++) {
    start = bytes.lastIndexOf(NEWLINE, start - 1);
    if (start < from) return from;
  }
  return start + (bytes[start] === NEWLINE ? 1 : 0);
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
