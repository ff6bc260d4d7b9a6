/** The headers of ELF files on this host, as a recording carries them (elf(5)). */
import { closeSync, openSync, readSync } from 'node:fs';
import type { ElfFacts, ElfSegment } from '../../program/recording/header.ts';

const PT_INTERP = 3;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
/** Magic, 64 bits, little-endian. */
const ELF64 = [0x7f, 0x45, 0x4c, 0x46, 2, 1];
const MAX_INTERPRETER = 4096;

/** The headers of the 64-bit ELF file at `path`; undefined if it is none, is damaged, or cannot be read. */
export function readElfFacts(path: string): ElfFacts | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return parse((offset, length) => {
      const bytes = new Uint8Array(length);
      return readSync(fd, bytes, 0, length, offset) === length ? new DataView(bytes.buffer) : undefined;
    });
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function parse(read: (offset: number, length: number) => DataView | undefined): ElfFacts | undefined {
  const header = read(0, HEADER_BYTES);
  if (header === undefined || ELF64.some((byte, at) => header.getUint8(at) !== byte)) return undefined;
  const count = header.getUint16(56, true);
  if (header.getUint16(54, true) !== PROGRAM_HEADER_BYTES) return undefined;
  const table = read(number64(header, 32), count * PROGRAM_HEADER_BYTES);
  if (table === undefined) return undefined;
  const segments = Array.from({ length: count }, (_, index) => segmentAt(table, index * PROGRAM_HEADER_BYTES));
  const facts = { type: header.getUint16(16, true), entry: number64(header, 24), segments };
  const named = segments.find(({ type }) => type === PT_INTERP);
  if (named === undefined || named.filesz === 0 || named.filesz > MAX_INTERPRETER) return facts;
  const name = read(named.offset, named.filesz - 1);
  return name === undefined ? facts : { ...facts, interpreter: new TextDecoder().decode(name) };
}

const segmentAt = (table: DataView, at: number): ElfSegment => ({
  type: table.getUint32(at, true),
  flags: table.getUint32(at + 4, true),
  offset: number64(table, at + 8),
  vaddr: number64(table, at + 16),
  filesz: number64(table, at + 32),
  memsz: number64(table, at + 40),
  align: number64(table, at + 48),
});

const number64 = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
