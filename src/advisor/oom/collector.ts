/** Groups the lines of a log into OOM events: of several hosts at once, shuffled, cut, or pasted twice. */
import { captureNumber, type LineKind, type LogLine } from './line-kinds.ts';
import { killPid, RawReport } from './raw-report.ts';

/** Events kept open, since the lines of one may come late. Bounds the memory that a log can take. */
const OPEN_REPORTS = 8;

export class Collector {
  private readonly emit: (report: RawReport) => void;
  private open: RawReport[] = [];

  constructor(emit: (report: RawReport) => void) {
    this.emit = emit;
  }

  /** Takes a line of an OOM report. */
  push(kind: LineKind, line: LogLine): void {
    this.reportFor(kind, line)?.add(kind, line);
  }

  /** The log is over, or has gone on to other things: gives every event. */
  flush(): void {
    const { open } = this;
    this.open = [];
    for (const report of joinFragments(open)) if (report.isOom) this.emit(report);
  }

  /** The event that a line belongs to; undefined for a line that cannot begin one. */
  private reportFor(kind: LineKind, line: LogLine): RawReport | undefined {
    const current = this.open.findLast(({ source }) => sameSource(source, line.source));
    switch (kind) {
      case 'invoked':
        return sameLine(current, kind, line) ? current : this.begin(line);
      case 'killed':
        return this.forKill(killPid(line), line, current);
      case 'constraint':
      case 'header':
      case 'chosen':
        if (current === undefined) return this.begin(line);
        return this.repeats(current, kind, line) ? this.begin(line) : current;
      case 'row':
        if (current === undefined) return this.begin(line);
        return current.has('killed') && this.isNextTable(current, line) ? this.begin(line) : current;
      case 'reaper':
        return this.forReaper(line) ?? current;
      case 'cpu':
      case 'cpuset':
      case 'stat':
      case 'group':
        return current;
      default:
        return current ?? this.begin(line);
    }
  }

  private begin({ source }: LogLine): RawReport {
    const report = new RawReport(source);
    this.open.push(report);
    if (this.open.length > OPEN_REPORTS) {
      const older = joinFragments(this.open.slice(0, -1));
      const oldest = older.length < OPEN_REPORTS ? undefined : older.shift();
      this.open = [...older, report];
      if (oldest?.isOom) this.emit(oldest);
    }
    return report;
  }

  /** The event that chose this process; else the current one, when it has no kill yet. */
  private forKill(pid: number | undefined, line: LogLine, current: RawReport | undefined): RawReport {
    const chose = this.open.find((report) => report.chosenPid === pid && report.expectsKill(pid));
    if (chose !== undefined) return chose;
    return current?.expectsKill(pid) ? current : this.begin(line);
  }

  private forReaper(line: LogLine): RawReport | undefined {
    const pid = captureNumber(line, /process (\d+)/);
    return pid === undefined ? undefined : this.open.findLast((report) => report.kills.has(pid));
  }

  /** A second line of a kind that an event has once begins the next event, unless it is the same line again. */
  private repeats(current: RawReport, kind: LineKind, line: LogLine): boolean {
    if (!current.has(kind) || sameLine(current, kind, line)) return false;
    if (kind === 'header') return current.has('killed');
    return true;
  }

  /** Rows after the kill: those of the next event if the current one has listed this process already. */
  private isNextTable(current: RawReport, line: LogLine): boolean {
    const pid = captureNumber(line, /\[\s*(\d+)\]/);
    const known = pid !== undefined && current.rows.has(pid);
    return known && !current.all('row').some(({ text }) => text === line.text);
  }
}

/** Lines that name no task belong to those that do, of the same host. */
function sameSource(a: string, b: string): boolean {
  if (a === b) return true;
  const [hostA, taskA] = split(a);
  const [hostB, taskB] = split(b);
  return (hostA === hostB || hostA === '' || hostB === '') && (taskA === '' || taskB === '' || taskA === taskB);
}

/** Host and printing task. */
function split(source: string): [string, string] {
  const slash = source.lastIndexOf('/');
  return [source.slice(0, slash), source.slice(slash + 1)];
}

const sameLine = (report: RawReport | undefined, kind: LineKind, line: LogLine): boolean =>
  report?.all(kind).some(({ text, time }) => text === line.text && time === line.time && time !== undefined) ?? false;

/** Puts together fragments of one event that shuffling or cutting has separated. */
function joinFragments(fragments: readonly RawReport[]): RawReport[] {
  const joined: RawReport[] = [];
  for (const fragment of fragments) {
    const before = joined.findLast(({ source }) => sameSource(source, fragment.source));
    const again = joined.find((report) => report.isSameKill(fragment));
    if (again !== undefined) again.absorb(fragment);
    else if (before?.complements(fragment)) before.absorb(fragment);
    else joined.push(fragment);
  }
  return joined;
}
