/**
 * CSV with a header, or with columns that the caller names:
 *
 *     time,object,size          one object a line; size is not looked at
 *     volume,offset,size        bytes of a volume or file, split into pages
 *     time,op,...               seconds; what begins with w, set and put are writes, all else reads
 *
 * Fields are separated by what separates the first line: comma, semicolon, tab or space. Quotes have no meaning.
 */
import type { RequestBuffer } from '../../program/cache/request-buffer.ts';
import { ByteRanges } from './byte-ranges.ts';
import { type CsvColumns, csvColumns, separatorOf } from './csv-columns.ts';
import { decimal, LineReader, shown } from './lines.ts';
import { NameNumbers } from './names.ts';
import { CacheTraceError, type Damage } from './trace-error.ts';

/** High half of names that are numbers of texts: no decimal number below 2^53 has it. */
const TEXT = -1;
const PAGE = 4096;
const WRITES = /^(?:w|set$|put$)/i;

const decoder = new TextDecoder();

export class CsvReader extends LineReader {
  #columns: CsvColumns | undefined;
  #separator = 0;
  /** Where each field begins, and behind the last one, where one more would. */
  #fields = new Int32Array(0);
  readonly #header: string | undefined;
  readonly #volumes = new NameNumbers();
  readonly #texts = new NameNumbers();
  readonly #ranges: ByteRanges;
  readonly #requests: RequestBuffer;
  readonly #damage: Damage;
  /** Time of the first line that has one, in seconds. */
  #start: number | undefined;

  /**
   * @param columns names of the columns, separated by commas; without them the first line is the header
   * @param whole one request a line, also where there are offsets
   * @throws {CacheTraceError} columns without an object or offset
   */
  constructor(requests: RequestBuffer, damage: Damage, whole: boolean, columns?: string) {
    super();
    this.#requests = requests;
    this.#damage = damage;
    this.#ranges = new ByteRanges(requests, whole);
    this.#header = columns;
    if (columns !== undefined) this.#understand(columns.split(','), `the columns ${JSON.stringify(columns)}`);
  }

  protected line(text: Uint8Array, start: number, end: number): void {
    if (this.#separator === 0 && this.#isHeader(text, start, end)) return;
    const columns = this.#columns;
    if (columns === undefined || !this.#split(text, start, end, columns.count)) {
      this.#bad(`${shown(text, start, end)} has not ${columns?.count} fields, as the first line has`);
    } else {
      // Only calls have a time and a kind; without them a trace is decoded sooner.
      const isWrite = this.#requests.calls !== undefined && this.#takeTimeAndKind(text, columns);
      if (columns.offset >= 0) this.#range(text, columns, isWrite);
      else this.#object(text, columns.object, isWrite);
    }
  }

  protected finish(): void {
    this.#requests.flush();
  }

  /** @returns whether the line is a write */
  #takeTimeAndKind(text: Uint8Array, { time, op }: CsvColumns): boolean {
    const seconds = time < 0 ? Number.NaN : Number.parseFloat(this.#field(text, time));
    if (!Number.isNaN(seconds)) {
      this.#start ??= seconds;
      this.#requests.setTime((seconds - this.#start) * 1e9);
    }
    return op >= 0 && WRITES.test(this.#field(text, op));
  }

  #field(text: Uint8Array, field: number): string {
    return decoder.decode(text.subarray(this.#fields[field], this.#fields[field + 1] - 1));
  }

  #object(text: Uint8Array, field: number, isWrite: boolean): void {
    const start = this.#fields[field];
    const end = this.#fields[field + 1] - 1;
    const number = decimal(text, start, end);
    if (start === end) {
      this.#bad('the object has no name');
      return;
    }
    this.#requests.addObjectCall(isWrite);
    if (number >= 0) this.#requests.add(number, Math.floor(number / 2 ** 32), 0);
    else this.#requests.add(this.#texts.numberOf(text, start, end), TEXT, 0);
  }

  #range(text: Uint8Array, columns: CsvColumns, isWrite: boolean): void {
    const fields = this.#fields;
    const number = (field: number): number => decimal(text, fields[field], fields[field + 1] - 1);
    const offset = number(columns.offset);
    const size = columns.size < 0 ? PAGE : number(columns.size);
    const name = columns.volume < 0 ? columns.object : columns.volume;
    const volume = name < 0 ? 0 : this.#volumes.numberOf(text, fields[name], fields[name + 1] - 1);
    if (offset < 0) this.#bad(`${shown(text, fields[columns.offset], fields[columns.offset + 1] - 1)} is no offset`);
    else if (size < 0) this.#bad(`${shown(text, fields[columns.size], fields[columns.size + 1] - 1)} is no size`);
    else {
      const trouble = this.#ranges.add(volume, offset, size, isWrite);
      if (trouble !== undefined) this.#bad(trouble);
    }
  }

  /** Finds the separator and, if there are no columns yet, those. @returns whether the line is a header */
  #isHeader(text: Uint8Array, start: number, end: number): boolean {
    const line = decoder.decode(text.subarray(start, end));
    const separator = separatorOf(line);
    this.#separator = separator.charCodeAt(0);
    if (this.#header !== undefined) return line === this.#header;
    this.#understand(line.split(separator), `line ${this.lineNumber}: the header ${shown(text, start, end)}`);
    return true;
  }

  #understand(names: readonly string[], what: string): void {
    this.#columns = csvColumns(names);
    if (this.#columns === undefined) {
      throw new CacheTraceError(
        `${what} names neither an object nor an offset; say which is which, as time,object,size`,
      );
    }
    this.#fields = new Int32Array(names.length + 1);
  }

  /** Finds the fields. @returns whether there are `count` */
  #split(text: Uint8Array, start: number, end: number, count: number): boolean {
    const fields = this.#fields;
    let found = 0;
    fields[found++] = start;
    for (let at = start; at < end; at++) {
      if (text[at] !== this.#separator) continue;
      if (found === count) return false;
      fields[found++] = at + 1;
    }
    fields[found] = end + 1;
    return found === count;
  }

  #bad(what: string): void {
    this.#damage.found(`line ${this.lineNumber}`, what);
  }
}
