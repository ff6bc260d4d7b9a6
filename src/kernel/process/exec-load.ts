/**
 * How exec maps an ELF file (fs/binfmt_elf.c, 6.18: load_elf_binary, load_elf_interp, elf_load, elf_map): segment by segment,
 * each a private mapping of the file and behind it the bss.
 */
import { PAGE_SIZE, type VirtualAddress } from '../../hardware/units.ts';
import { TASK_SIZE } from '../address-space/layout.ts';
import type { Mm } from '../address-space/mm.ts';
import { isError } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import { MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_EXEC, PROT_WRITE } from '../uapi.ts';
import { type ElfImage, type ElfSegment, maximumAlignment, totalMappingSize } from './elf.ts';
import type { ElfFile, ExecRequest, ExecServices } from './exec.ts';
import type { Task } from './process.ts';

/** ELF_ET_DYN_BASE: where a PIE begins, two thirds up. */
export const DYN_BASE: number = Math.floor(TASK_SIZE / 3) * 2;

export const pageDown = (address: number): number => address - (address % PAGE_SIZE);
export const pageUp = (address: number): number => Math.ceil(address / PAGE_SIZE) * PAGE_SIZE;
/** `bits` random bits (arch_mmap_rnd and its kin); 0 without randomisation. */
export const randomBits = (request: ExecRequest, bits: number): number => (request.random?.() ?? 0) & (2 ** bits - 1);

/** Maps the program and notes where its code and data lie. Returns the load bias. */
export function loadProgram(services: ExecServices, task: Task, request: ExecRequest): number {
  const { file, image } = request.program;
  const first = image.segments[0];
  if (first === undefined) return 0;
  let bias = 0;
  let place = MAP_FIXED_NOREPLACE;
  if (image.type === 'dyn') {
    const alignment = maximumAlignment(image);
    if (request.interpreter !== undefined) bias = DYN_BASE + randomBits(request, 28) * PAGE_SIZE;
    else if (alignment > PAGE_SIZE) bias = services.unmappedArea(task, totalMappingSize(image) + alignment);
    else place = 0;
    if (isError(bias)) return bias;
    if (place !== 0) bias = pageDown(bias - (bias % alignment) - first.address);
  }
  let total = totalMappingSize(image);
  for (const segment of image.segments) {
    const at = loadSegment(services, task, file, segment, bias + segment.address, place, total);
    if (isError(at)) return at;
    // A static PIE goes where mmap puts its first segment; everything else keeps its distance to that.
    if (place === 0) bias = at - pageDown(segment.address);
    place = MAP_FIXED_NOREPLACE;
    total = 0;
  }
  noteBounds(task.mm, image, bias);
  return bias;
}

/** mm->start_code, end_code, start_data, end_data: RLIMIT_DATA and /proc/PID/stat read these. */
function noteBounds(mm: Mm, image: ElfImage, bias: number): void {
  const code = image.segments.filter(({ prot }) => prot & PROT_EXEC);
  const start = ({ address }: ElfSegment): number => address + bias;
  const fileEnd = ({ address, fileSize }: ElfSegment): number => address + fileSize + bias;
  mm.startCode = Math.min(...code.map(start)) as VirtualAddress;
  mm.endCode = Math.max(0, ...code.map(fileEnd)) as VirtualAddress;
  mm.startData = Math.max(...image.segments.map(start)) as VirtualAddress;
  mm.endData = Math.max(...image.segments.map(fileEnd)) as VirtualAddress;
}

/** Maps the interpreter where mmap finds room for all of it (load_elf_interp). */
export function loadInterpreter(services: ExecServices, task: Task, { file, image }: ElfFile): number {
  let total = totalMappingSize(image);
  let bias = 0;
  let place = image.type === 'exec' ? MAP_FIXED : 0;
  for (const segment of image.segments) {
    const at = loadSegment(services, task, file, segment, bias + segment.address, place, total);
    if (isError(at)) return at;
    if (place === 0) bias = at - pageDown(segment.address);
    place = MAP_FIXED;
    total = 0;
  }
  return bias;
}

/**
 * Maps one segment and its bss (elf_load).
 *
 * @param total with the first segment the size of the whole image: that much is mapped, so that all of it has room, and
 * what lies behind the segment is unmapped again (elf_map)
 * @returns the byte address of its first page
 */
function loadSegment(
  services: ExecServices,
  task: Task,
  file: File,
  segment: ElfSegment,
  address: number,
  place: number,
  total: number,
): number {
  const { prot } = segment;
  let at = pageDown(address);
  if (segment.fileSize > 0) {
    const inPage = address % PAGE_SIZE;
    const size = pageUp(segment.fileSize + inPage);
    const mapped = Math.max(size, pageUp(total));
    at = services.mmap(task, at, mapped, prot, MAP_PRIVATE | place, file, segment.offset - inPage);
    if (isError(at)) return at;
    if (mapped > size) services.munmap(task, at + size, mapped - size);
  }
  if (segment.memorySize > segment.fileSize) {
    const zeroStart = at + (address % PAGE_SIZE) + segment.fileSize;
    const zeroEnd = pageUp(at + (address % PAGE_SIZE) + segment.memorySize);
    const tail = pageUp(zeroStart) - zeroStart;
    // padzero: the rest of the last file page. Errors of segments that cannot be written are ignored.
    if (segment.fileSize > 0 && tail > 0 && prot & PROT_WRITE) services.writeUser(task, zeroStart, tail);
    const bss = zeroEnd - pageUp(zeroStart);
    if (bss > 0) {
      const error = services.mapBrk(task, pageUp(zeroStart), bss, (prot & PROT_EXEC) !== 0);
      if (isError(error)) return error;
    }
  }
  return at;
}
