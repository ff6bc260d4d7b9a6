import type { TraceReader } from './trace-reader.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** The longest line that can be a good one: strace prints whole buffers when it is told to. */
const MAX_LINE = 1 << 22;

/** Cuts text into lines, LF or CR LF, and hands each to `line`. */
export abstract class LineReader implements TraceReader {
  /** Number of the line at hand, from 1. */
  protected lineNumber = 0;
  /** The beginning of a line whose end has not come yet. */
  #rest = new Uint8Array(0);

  /** One line without its end: the bytes from `start` up to `end`. Never called for an empty one. */
  protected abstract line(text: Uint8Array, start: number, end: number): void;

  /** The text is over, all lines were handed over. */
  protected abstract finish(): void;

  push(bytes: Uint8Array): void {
    let text = bytes;
    if (this.#rest.length > 0) {
      text = new Uint8Array(this.#rest.length + bytes.length);
      text.set(this.#rest);
      text.set(bytes, this.#rest.length);
    }
    let start = 0;
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
      this.#take(text, start, end);
      start = end + 1;
    }
    this.#rest = text.slice(start);
    // A file that is no text has no lines: what it is then is damage of one "line", which is not kept whole.
    if (this.#rest.length > MAX_LINE) {
      this.#take(this.#rest, 0, this.#rest.length);
      this.#rest = new Uint8Array(0);
    }
  }

  end(): void {
    if (this.#rest.length > 0) this.#take(this.#rest, 0, this.#rest.length);
    this.finish();
  }

  #take(text: Uint8Array, start: number, end: number): void {
    this.lineNumber++;
    const last = end > start && text[end - 1] === RETURN ? end - 1 : end;
    if (last > start) this.line(text, start, last);
  }
}

const decoder = new TextDecoder();
const LONGEST_SHOWN = 60;

/** A piece of a line as a message shows it. */
export function shown(text: Uint8Array, start: number, end: number): string {
  return JSON.stringify(decoder.decode(text.subarray(start, Math.min(end, start + LONGEST_SHOWN))));
}

/** The decimal number that fills a field. @returns -1 when it is none, or not below 2^53 */
export function decimal(text: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > 16) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text[at] - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}
