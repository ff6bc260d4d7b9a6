/**
 * Block traces of Microsoft Research Cambridge (SNIA IOTTA, set 388), CSV without a header:
 *
 *     128166372003061629,hm,1,Read,383496192,32768,413
 *     time in 100 ns, host, disk, Read or Write, offset in bytes, size in bytes, response time in 100 ns
 */
import type { RequestBuffer } from '../../program/cache/request-buffer.ts';
import { ByteRanges } from './byte-ranges.ts';
import { decimal, LineReader, shown } from './lines.ts';
import { NameNumbers } from './names.ts';
import type { Damage } from './trace-error.ts';

const COMMA = 0x2c;
const FIELDS = 7;
const TIME = 0;
const HOST = 1;
const TYPE = 3;
const OFFSET = 4;
const SIZE = 5;

/** In lower case, as they are compared. */
const READ = 'read';
const WRITE = 'write';

/** Of 18 digits a double holds the last 15, which go round in three years. */
const TIME_DIGITS = 15;
const NS_PER_TICK = 100;

export class MsrReader extends LineReader {
  /** Where each field begins, and behind the last one, where one more would. */
  readonly #fields = new Int32Array(FIELDS + 1);
  /** Host and disk together name a volume. */
  readonly #volumes = new NameNumbers();
  readonly #ranges: ByteRanges;
  readonly #requests: RequestBuffer;
  readonly #damage: Damage;
  /** Ticks of the first request; -1 before it. */
  #start = -1;

  /** @param whole one request a line instead of one a page */
  constructor(requests: RequestBuffer, damage: Damage, whole: boolean) {
    super();
    this.#requests = requests;
    this.#damage = damage;
    this.#ranges = new ByteRanges(requests, whole);
  }

  protected line(text: Uint8Array, start: number, end: number): void {
    const fields = this.#fields;
    let count = 0;
    fields[count++] = start;
    for (let at = start; at < end && count <= FIELDS; at++) if (text[at] === COMMA) fields[count++] = at + 1;
    if (count !== FIELDS) {
      this.#bad(`${shown(text, start, end)} has not the ${FIELDS} fields of an MSR Cambridge trace`);
      return;
    }
    const offset = decimal(text, fields[OFFSET], fields[OFFSET + 1] - 1);
    const size = decimal(text, fields[SIZE], fields[SIZE + 1] - 1);
    const isWrite = is(WRITE, text, fields[TYPE], fields[TYPE + 1] - 1);
    if (offset < 0) this.#badField(text, OFFSET, 'offset');
    else if (size < 0) this.#badField(text, SIZE, 'size');
    else if (!isWrite && !is(READ, text, fields[TYPE], fields[TYPE + 1] - 1))
      this.#badField(text, TYPE, 'Read or Write');
    else {
      const volume = this.#volumes.numberOf(text, fields[HOST], fields[TYPE] - 1);
      this.#takeTime(text);
      const trouble = this.#ranges.add(volume, offset, size, isWrite);
      if (trouble !== undefined) this.#bad(trouble);
    }
  }

  /** A time that is no number leaves the clock as it is. */
  #takeTime(text: Uint8Array): void {
    const end = this.#fields[TIME + 1] - 1;
    const ticks = decimal(text, Math.max(this.#fields[TIME], end - TIME_DIGITS), end);
    if (ticks < 0) return;
    if (this.#start < 0) this.#start = ticks;
    this.#requests.setTime((ticks - this.#start) * NS_PER_TICK);
  }

  protected finish(): void {
    this.#requests.flush();
  }

  #badField(text: Uint8Array, field: number, what: string): void {
    this.#bad(`${shown(text, this.#fields[field], this.#fields[field + 1] - 1)} is no ${what}`);
  }

  #bad(what: string): void {
    this.#damage.found(`line ${this.lineNumber}`, what);
  }
}

/** Whether a field is a word, in any case. @param word lower case */
function is(word: string, text: Uint8Array, start: number, end: number): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if ((text[start + i] | 0x20) !== word.charCodeAt(i)) return false;
  return true;
}
