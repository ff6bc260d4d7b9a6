/**
 * What exec(2) needs to know of an ELF file: its type, its program headers that are loaded, and the interpreter that it
 * asks for (include/uapi/linux/elf.h). Plain data, so that a recording can carry it.
 */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../uapi.ts';

/** One PT_LOAD program header. Sizes, offsets and addresses are bytes. */
export interface ElfSegment {
  readonly address: number;
  readonly offset: number;
  readonly fileSize: number;
  /** What lies beyond `fileSize` is the bss. */
  readonly memorySize: number;
  /** PROT_READ | PROT_WRITE | PROT_EXEC (make_prot). */
  readonly prot: number;
  /** p_align; 0 and 1 ask for none. */
  readonly align: number;
}

/** An executable or an interpreter. */
export interface ElfImage {
  /** 'exec' is laid out at the addresses in the file (ET_EXEC), 'dyn' anywhere (ET_DYN: a PIE or an interpreter). */
  readonly type: 'exec' | 'dyn';
  /** Where it starts, before any load bias. */
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  /** PT_INTERP; undefined for static programs and for interpreters themselves. */
  readonly interpreter: string | undefined;
  /** PT_GNU_STACK asks for an executable stack. */
  readonly stackExecutable: boolean;
}

const ET_EXEC = 2;
const ET_DYN = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_GNU_STACK = 0x6474e551;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
/** The kernel refuses more than 64 KiB of program headers (load_elf_phdrs). */
const MAX_PROGRAM_HEADERS = 65536 / PROGRAM_HEADER_BYTES;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/**
 * Reads the headers of an x86-64 ELF file.
 *
 * @param bytes the file from its start; it must reach to the end of the program headers and of the interpreter's name
 * @returns undefined where load_elf_binary answers ENOEXEC: no ELF64 file for this machine, or its headers lie outside `bytes`
 */
export function parseElf(bytes: Uint8Array): ElfImage | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isElf64 = view.getUint32(0) === 0x7f454c46 && view.getUint8(4) === 2 && view.getUint8(5) === 1;
  const type = view.getUint16(16, true);
  if (!isElf64 || (type !== ET_EXEC && type !== ET_DYN) || view.getUint16(18, true) !== EM_X86_64) return undefined;
  const headersAt = number64(view, 32);
  const count = view.getUint16(56, true);
  const headersFit = headersAt + count * PROGRAM_HEADER_BYTES <= bytes.length;
  if (view.getUint16(54, true) !== PROGRAM_HEADER_BYTES || count === 0 || count > MAX_PROGRAM_HEADERS || !headersFit)
    return undefined;

  const segments: ElfSegment[] = [];
  let interpreter: string | undefined;
  let stackExecutable = false;
  for (let at = headersAt; at < headersAt + count * PROGRAM_HEADER_BYTES; at += PROGRAM_HEADER_BYTES) {
    const headerType = view.getUint32(at, true);
    if (headerType === PT_LOAD) segments.push(segmentAt(view, at));
    else if (headerType === PT_GNU_STACK) stackExecutable = (view.getUint32(at + 4, true) & PF_X) !== 0;
    else if (headerType === PT_INTERP) {
      interpreter = stringAt(bytes, number64(view, at + 8), number64(view, at + 32));
      if (interpreter === undefined) return undefined;
    }
  }
  return { type: type === ET_EXEC ? 'exec' : 'dyn', entry: number64(view, 24), segments, interpreter, stackExecutable };
}

function segmentAt(view: DataView, at: number): ElfSegment {
  const flags = view.getUint32(at + 4, true);
  return {
    address: number64(view, at + 16),
    offset: number64(view, at + 8),
    fileSize: number64(view, at + 32),
    memorySize: number64(view, at + 40),
    prot: (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0),
    align: number64(view, at + 48),
  };
}

/** A 64-bit field as a number; what lies above 2^53 loses its low bits and is refused later as no user address. */
function number64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

/** A NUL-terminated name of `size` bytes, as PT_INTERP holds it; at most a page long (PATH_MAX). */
function stringAt(bytes: Uint8Array, at: number, size: number): string | undefined {
  if (size < 2 || size > PAGE_SIZE || at + size > bytes.length || bytes[at + size - 1] !== 0) return undefined;
  return String.fromCharCode(...bytes.subarray(at, at + size - 1));
}

const pageStart = (address: number): number => address - (address % PAGE_SIZE);

/** Bytes from the first page of the lowest segment to the last byte of the highest (total_mapping_size). */
export function totalMappingSize(image: ElfImage): number {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const segment of image.segments) {
    low = Math.min(low, pageStart(segment.address));
    high = Math.max(high, segment.address + segment.memorySize);
  }
  return high > low ? high - low : 0;
}

/** The largest alignment that a segment asks for, at least a page (maximum_alignment); powers of two only. */
export function maximumAlignment(image: ElfImage): number {
  return image.segments.reduce(
    (most, { align }) => (Number.isInteger(Math.log2(align)) ? Math.max(most, align) : most),
    PAGE_SIZE,
  );
}
