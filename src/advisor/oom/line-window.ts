/** Holds the lines of a few reports back, to put them in order where a log shipper has shuffled them. */
import { kindOf, type LineKind, type LogLine } from './line-kinds.ts';

/** Lines held back at most. Bounds memory; a report of 5,000 tasks has fewer. */
const LONGEST = 50_000;
/**
 * Of so many lines one goes back in time: the log was shuffled. Where it was not, time goes back where a machine was
 * started again, and such logs must stay as they are.
 */
const ORDERLY = 20;

export class LineWindow {
  private readonly emit: (kind: LineKind, line: LogLine) => void;
  private lines: { readonly kind: LineKind; readonly line: LogLine }[] = [];
  private descents = 0;
  private last = Number.NEGATIVE_INFINITY;

  constructor(emit: (kind: LineKind, line: LogLine) => void) {
    this.emit = emit;
  }

  /** Whether lines of a report are held. */
  get isOpen(): boolean {
    return this.lines.length > 0;
  }

  /** Takes a line. @returns whether it may belong to an OOM report; others are dropped */
  push(line: LogLine): boolean {
    const kind = kindOf(line);
    if (kind === undefined) return false;
    this.lines.push({ kind, line });
    if (line.time !== undefined) {
      if (line.time < this.last) this.descents++;
      this.last = line.time;
    }
    if (this.lines.length >= LONGEST) this.flush();
    return true;
  }

  /** Gives all lines, in the order of their times if that of their coming makes no sense. */
  flush(): void {
    const { lines } = this;
    if (this.descents * ORDERLY > lines.length) lines.sort((a, b) => (a.line.time ?? 0) - (b.line.time ?? 0));
    this.lines = [];
    this.descents = 0;
    for (const { kind, line } of lines) this.emit(kind, line);
  }
}
