/** The lines of one OOM event, sorted by kind and not yet read. */
import { capture, captureNumber, type LineKind, type LogLine } from './line-kinds.ts';

/** Which process a "Killed process" or "Kill process" line names. */
export const killPid = (line: LogLine): number | undefined => captureNumber(line, /Kill(?:ed)?\s*process\s*(\d+)/);
const rowPid = (line: LogLine): number | undefined => captureNumber(line, /\[\s*(\d+)\]\s+\d+/);

/** What no two kills have in common. */
const KILL_NUMBERS = /Killed process \d+.*?total-vm:\d+kB, anon-rss:\d+kB, file-rss:\d+kB/;

export class RawReport {
  readonly source: string;
  readonly lines: Map<LineKind, LogLine[]> = new Map();
  readonly kills: Set<number> = new Set();
  readonly rows: Set<number> = new Set();

  constructor(source: string) {
    this.source = source;
  }

  has(kind: LineKind): boolean {
    return this.lines.has(kind);
  }

  first(kind: LineKind): LogLine | undefined {
    return this.lines.get(kind)?.[0];
  }

  all(kind: LineKind): readonly LogLine[] {
    return this.lines.get(kind) ?? [];
  }

  /** Adds a line; one that is there already, because a block was pasted or logged twice, is left out. */
  add(kind: LineKind, line: LogLine): void {
    if (kind === 'killed' && !added(this.kills, killPid(line))) return;
    if (kind === 'row' && !added(this.rows, rowPid(line))) return;
    const lines = this.lines.get(kind);
    if (lines === undefined) this.lines.set(kind, [line]);
    else if (kind === 'killed' || kind === 'row' || !lines.some(({ text }) => text === line.text)) lines.push(line);
  }

  /** Whom the `oom-kill:` or the older "Kill process ... or sacrifice child" line names. */
  get chosenPid(): number | undefined {
    const constraint = this.first('constraint');
    // Within this line a wrap leaves no blank behind.
    const pid = /,\s*pid=(\d+)/.exec(constraint?.tight ?? '')?.[1];
    if (pid !== undefined) return Number(pid);
    const chosen = this.first('chosen');
    return chosen === undefined ? undefined : killPid(chosen);
  }

  /** Whether a kill is this event's: it has none yet, or kills a group. */
  expectsKill(pid: number | undefined): boolean {
    if (pid !== undefined && this.kills.has(pid)) return true;
    if (this.has('group')) return this.rows.size === 0 || (pid !== undefined && this.rows.has(pid));
    return this.kills.size === 0;
  }

  /** Whether this and a later fragment can be two parts of one report whose lines were shuffled. */
  complements(other: RawReport): boolean {
    for (const kind of ['invoked', 'constraint', 'header', 'chosen'] as const) {
      if (this.has(kind) && other.has(kind)) return false;
    }
    if (this.repeatsCounters(other)) return false;
    if (this.has('killed') && other.has('killed') && !this.has('group') && !other.has('group')) return false;
    for (const pid of other.rows) if (this.rows.has(pid)) return false;
    const chosen = this.chosenPid ?? other.chosenPid;
    const kills = [...this.kills, ...other.kills];
    if (this.has('chosen') || other.has('chosen')) return true;
    if (chosen !== undefined) return kills.length === 0 || kills.includes(chosen);
    const rows = this.rows.size + other.rows.size;
    return rows === 0 || kills.every((pid) => this.rows.has(pid) || other.rows.has(pid));
  }

  /** Whether a kill line of the other is, number for number, one of this: an event that was logged or pasted twice. */
  isSameKill(other: RawReport): boolean {
    const numbers = (report: RawReport): string[] =>
      report.all('killed').flatMap(({ text }) => KILL_NUMBERS.exec(text)?.[0] ?? []);
    const own = numbers(this);
    // The second kill line was left out as a repetition; what is left names the same choice with the same score.
    const choice = (report: RawReport): string | undefined =>
      report.text('chosen', /(Kill process \d+ \(.*?\) score \d+)/);
    if (!other.has('killed') && choice(other) !== undefined && choice(other) === choice(this)) return true;
    return numbers(other).some((kill) => own.includes(kill));
  }

  /** Whether both have the same counters, so that each has a memory part of its own. */
  private repeatsCounters(other: RawReport): boolean {
    const names = (report: RawReport): string[] =>
      (['counters', 'pages', 'limit'] as const).flatMap((kind) =>
        report.all(kind).map(({ text }) => text.replace(/\d+/g, '')),
      );
    const own = new Set(names(this));
    return names(other).some((name) => own.has(name));
  }

  /** Takes over all lines of a fragment. */
  absorb(other: RawReport): void {
    for (const [kind, lines] of other.lines) for (const line of lines) this.add(kind, line);
  }

  /** Whether there is more than memory counters, which other messages print too, or than a quotation of the kernel's source. */
  get isOom(): boolean {
    const telling = ['invoked', 'constraint', 'killed', 'chosen', 'nobody', 'taskIn', 'panic'] as const;
    return telling.some((kind) => this.has(kind)) || this.rows.size > (this.has('header') ? 0 : 1);
  }

  /** The name that a line gives, for messages. */
  text(kind: LineKind, pattern: RegExp): string | undefined {
    const line = this.first(kind);
    return line === undefined ? undefined : capture(line, pattern);
  }
}

/** Adds to a set. @returns whether it was new; a value that is not known counts as new */
function added(set: Set<number>, value: number | undefined): boolean {
  if (value === undefined) return true;
  if (set.has(value)) return false;
  set.add(value);
  return true;
}
