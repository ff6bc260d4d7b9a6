/** Puts hard-wrapped lines together again: a piece without a log's prefix belongs to the line before it. */
import { unescapeLine } from './escapes.ts';
import { kindOfText, type LineKind, type LogLine } from './line-kinds.ts';
import { type BareLine, unwrap } from './unwrap.ts';

/** More pieces than any wrap makes of one line; beyond that it is somebody's prose. */
const MOST_PIECES = 24;

/** Kinds whose words can stand in a piece of a wrapped line that begins elsewhere. */
const NOT_AT_THE_START: ReadonlySet<LineKind> = new Set(['counters', 'cpuset', 'stat', 'reaper', 'killed', 'chosen']);
/** What begins a line besides, kill lines from their first word on. */
const SURE_START = /Mem-Info:|Tasks state|ut of memory[^:]*: Kill|Killed process \d+.*total-vm/;
/**
 * A line of memory.stat. All of them are one message of the kernel, so journald prints them without a prefix. The end of
 * a usage line that was wrapped looks the same.
 */
const STAT_LINE = /^(?!failcnt )[a-z][a-z0-9_]+ \d+$/;
/** Begins a line in a paste without prefixes, where a piece of a wrapped line could look the same. */
const LIKELY_START =
  /^Node \d+ |^\w+ free:\d+kB|^\d+ (?:pages|total pagecache)|^(?:Free|Total) swap|^Swap cache|^lowmem_reserve|^(?:Hardware name|Call Trace|RIP|RSP|RAX|RDX|RBP|R\d\d):?|^(?:active_anon|active_file|unevictable|slab_reclaimable|mapped|free):\d+ |^oom_reaper:|\bcpuset=\S+ mems_allowed=|^\.\.\.|^…/;

interface Pending {
  readonly first: BareLine;
  readonly pieces: string[];
}

/** Takes the lines of a log and gives those of the kernel. */
export class LineJoiner {
  private readonly emit: (line: LogLine) => void;
  private pending: Pending | undefined;
  /** Numbers in a row of the task table, once its header was seen. */
  private columns = 7;

  constructor(emit: (line: LogLine) => void) {
    this.emit = emit;
  }

  push(raw: string): void {
    const whole = unescapeLine(raw);
    for (const line of whole) for (const bare of unwrap(line)) this.take(bare, whole.length > 1);
  }

  /** Gives the line that is still waiting for more pieces. */
  flush(): void {
    const { pending } = this;
    if (pending === undefined) return;
    this.pending = undefined;
    const { first, pieces } = pending;
    const text = pieces.join(' ');
    const columns = /\bpid\s*\]\s*(.*\btotal_vm\b.*)$/.exec(text)?.[1];
    if (columns !== undefined) this.columns = columns.trim().split(/\s+/).length - 1;
    this.emit({ text, tight: pieces.join(''), source: first.source, time: first.time });
  }

  private take(bare: BareLine, whole: boolean): void {
    if (bare.text === '' && !bare.prefixed) return;
    if (whole || this.begins(bare)) {
      this.flush();
      this.pending = { first: bare, pieces: [bare.text] };
    } else if (this.pending !== undefined && this.pending.pieces.length < MOST_PIECES && !this.complete()) {
      this.pending.pieces.push(bare.text);
    }
  }

  private begins({ text, prefixed }: BareLine): boolean {
    if (prefixed || this.pending === undefined || SURE_START.test(text)) return true;
    const kind = kindOfText(text);
    if (kind !== undefined && !NOT_AT_THE_START.has(kind)) return true;
    if (STAT_LINE.test(text)) return !/^\[\s*\d+\]/.test(this.pending.pieces[0] as string);
    return !this.pending.first.prefixed && LIKELY_START.test(text);
  }

  /** A row of the table with its name needs nothing more; what follows is not its own. */
  private complete(): boolean {
    const text = (this.pending as Pending).pieces.join(' ');
    const row = /\[\s*\d+\]\s+(\d+\s+\d+\s+\d+.*)$/.exec(text)?.[1];
    return row !== undefined && row.trim().split(/\s+/).length > this.columns;
  }
}
