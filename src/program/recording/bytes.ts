/**
 * The two ends of a column of bytes: a reader and a growing writer of LEB128 variable-length numbers ("varints":
 * seven bits a byte, lowest first, the top bit says that more follow) and of strings.
 *
 * Numbers are exact up to 2^53; the recorder folds what could be larger (recording-format.md, "Numbers").
 */
import { RecordingError } from './format.ts';

const UTF8_IN = new TextDecoder('utf-8');
const UTF8_OUT = new TextEncoder();

/** Reads one column from its start. Every method throws RecordingError when the column ends too early. */
export class ByteReader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RecordingError('a column of the block ends too early');
    return value;
  }

  /** An unsigned varint. More than ten bytes cannot come from a 64-bit number: the column is damaged. */
  varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let factor = 0x80, length = 1; length < 10; factor *= 0x80, length++) {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RecordingError('a number in a column of the block is longer than ten bytes');
  }

  /** A signed number, written zigzag: 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ... */
  signed(): number {
    const value = this.varint();
    // Not value % 2: the remainder of numbers that are no int32 is a call into C.
    const half = Math.floor(value / 2);
    return half * 2 === value ? half : -half - 1;
  }

  /** A length and as many bytes of UTF-8. What is not UTF-8 becomes U+FFFD, as paths may be any bytes. */
  text(): string {
    const length = this.varint();
    if (length > this.bytes.length - this.at) throw new RecordingError('a text in the block ends too early');
    this.at += length;
    return UTF8_IN.decode(this.bytes.subarray(this.at - length, this.at));
  }
}

/** Grows as it is written. The bytes written so far are `view()`. */
export class ByteWriter {
  length = 0;
  private bytes: Uint8Array;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** The bytes written so far, not copied: valid until the next write or `clear()`. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  /** An unsigned varint. Throws RangeError unless it is a whole number from 0 to 2^53. */
  varint(value: number): void {
    if (!(value >= 0) || !Number.isSafeInteger(value))
      throw new RangeError(`varint: ${value} is not a whole number >= 0`);
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(value: string): void {
    const bytes = UTF8_OUT.encode(value);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  private grow(room: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + room));
    larger.set(this.view());
    this.bytes = larger;
  }
}
