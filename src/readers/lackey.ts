/**
 * Reads the text of `valgrind --tool=lackey --trace-mem=yes` as it comes:
 *
 *     I  04000a30,3        an instruction of 3 bytes
 *      L 1ffefffe50,8      a load      S a store      M a load and a store of the same place
 *
 * Lines of Valgrind itself ("==123== ...") are passed over; anything else is an error that names its line.
 */
import { quoted } from '../program/scenario/quoted.ts';

/** What a line says; addresses and sizes in bytes. */
export interface LackeyVisitor {
  fetch(address: number, size: number): void;
  load(address: number, size: number): void;
  store(address: number, size: number): void;
  modify(address: number, size: number): void;
  /** The command line, which Valgrind prints without -q. */
  command?(text: string): void;
}

/** A line that is no line of lackey's. */
export class LackeyError extends Error {
  override readonly name = 'LackeyError';
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const COMMA = 0x2c;
const EQUALS = 0x3d;
/** The longest line that can be a good one. */
const MAX_LINE = 1 << 16;
/** What an access may span: the largest state that an instruction saves, and room. */
const MAX_SIZE = 4096;
const MAX_ADDRESS = 2 ** 47;

export class LackeyReader {
  lines = 0;
  private readonly visitor: LackeyVisitor;
  /** The beginning of a line whose end has not come yet. */
  private rest: Uint8Array = new Uint8Array(0);

  constructor(visitor: LackeyVisitor) {
    this.visitor = visitor;
  }

  /** Takes the next bytes of the text. Throws LackeyError at the first damaged line; the lines before it were visited. */
  push(bytes: Uint8Array): void {
    let text = bytes;
    if (this.rest.length > 0) {
      text = new Uint8Array(this.rest.length + bytes.length);
      text.set(this.rest);
      text.set(bytes, this.rest.length);
    }
    let start = 0;
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
      this.line(text, start, end);
      start = end + 1;
    }
    this.rest = text.slice(start);
    if (this.rest.length > MAX_LINE) throw new LackeyError(this.lines + 1, 'the line does not end');
  }

  /** The text is over. Throws LackeyError if it ends within a line. */
  end(): void {
    if (this.rest.length > 0) throw new LackeyError(this.lines + 1, 'the text ends within a line');
  }

  private line(text: Uint8Array, start: number, end: number): void {
    this.lines++;
    if (start === end) return;
    if (text[start] === EQUALS || text[start] === 0x2d) {
      this.talk(text.subarray(start, end));
      return;
    }
    let at = start + 3;
    let address = 0;
    for (let byte = text[at]; at < end && byte !== COMMA; byte = text[++at]) {
      const digit = hexDigit(byte ?? 0);
      if (digit < 0 || address >= MAX_ADDRESS / 16) throw this.damage(text, start, end);
      address = address * 16 + digit;
    }
    const digits = at - start - 3;
    let size = 0;
    for (at++; at < end; at++) {
      const digit = (text[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9 || size > MAX_SIZE) throw this.damage(text, start, end);
      size = size * 10 + digit;
    }
    if (digits < 1 || size < 1 || size > MAX_SIZE || text[start + 2] !== SPACE) throw this.damage(text, start, end);
    this.visit((text[start] ?? 0) * 256 + (text[start + 1] ?? 0), address, size, text, start, end);
  }

  private visit(kind: number, address: number, size: number, text: Uint8Array, start: number, end: number): void {
    switch (kind) {
      case 0x4920: // "I "
        this.visitor.fetch(address, size);
        break;
      case 0x204c: // " L"
        this.visitor.load(address, size);
        break;
      case 0x2053: // " S"
        this.visitor.store(address, size);
        break;
      case 0x204d: // " M"
        this.visitor.modify(address, size);
        break;
      default:
        throw this.damage(text, start, end);
    }
  }

  private talk(line: Uint8Array): void {
    const command = /^==\d+== Command: (.*)$/.exec(new TextDecoder().decode(line))?.[1];
    if (command !== undefined) this.visitor.command?.(command);
  }

  private damage(text: Uint8Array, start: number, end: number): LackeyError {
    const line = quoted(new TextDecoder().decode(text.subarray(start, end)));
    return new LackeyError(this.lines, `${line} is no line of lackey's`);
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x57;
  if (byte >= 0x41 && byte <= 0x46) return byte - 0x37;
  return -1;
}
