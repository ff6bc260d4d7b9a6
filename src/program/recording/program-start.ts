/**
 * A program's start in a replay: exec on the simulated kernel, then the address map from the recording's segments to the
 * mappings that the kernel made (`start` and `segment` events).
 */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { TASK_PAGES } from '../../kernel/address-space/layout.ts';
import type { Mm } from '../../kernel/address-space/mm.ts';
import { VM_EXEC, VM_READ, VM_WRITE } from '../../kernel/address-space/vm-flags.ts';
import type { Vma } from '../../kernel/address-space/vma.ts';
import type { ElfImage } from '../../kernel/process/elf.ts';
import type { ExecStrings } from '../../kernel/process/exec-stack.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../kernel/uapi.ts';
import { AddressMap } from './address-map.ts';
import {
  SEGMENT_EXECUTE,
  SEGMENT_FILE,
  SEGMENT_HEAP,
  SEGMENT_READ,
  SEGMENT_STACK,
  SEGMENT_WRITE,
  type SegmentEvent,
  type StartEvent,
} from './events.ts';
import type { ElfFacts } from './header.ts';

const ET_EXEC = 2;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
/** More strings than execve takes at all. */
const MOST_VARIABLES = 1 << 20;
/** Recorded pages below the first stack pointer that belong to the stack: its limit of 8 MiB. */
const STACK_PAGES = 2048;

/** The recorded headers of an ELF file as exec takes them. */
export const imageOf = (facts: ElfFacts): ElfImage => ({
  type: facts.type === ET_EXEC ? 'exec' : 'dyn',
  entry: facts.entry,
  interpreter: facts.interpreter,
  stackExecutable: facts.segments.some(({ type, flags }) => type === PT_GNU_STACK && (flags & PF_X) !== 0),
  segments: facts.segments
    .filter(({ type }) => type === PT_LOAD)
    .map(({ vaddr, offset, filesz, memsz, flags, align }) => ({
      address: vaddr,
      offset,
      fileSize: filesz,
      memorySize: memsz,
      align,
      prot: (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0),
    })),
});

/** The strings that execve copied, their lengths as far as the recording tells them: those of the environment as a sum. */
export function stringsOf(start: StartEvent): ExecStrings {
  const bytes = start.environmentBytes;
  const count = Math.min(start.environmentVariables, MOST_VARIABLES);
  const each = count === 0 ? 0 : Math.max(0, Math.floor(bytes / count) - 1);
  const envp = Array.from({ length: count }, () => each);
  if (count > 0) envp[0] = Math.max(0, each + bytes - count * (each + 1));
  const utf8 = new TextEncoder();
  return {
    filename: utf8.encode(start.executable).length,
    argv: start.argv.map((word) => utf8.encode(word).length),
    envp,
  };
}

/** Finds the mapping that exec made of a recorded segment: the same part of the same file, with the same rights. */
function mappingOf(mm: Mm, segment: SegmentEvent, inodeId: number): Vma | undefined {
  const index = segment.offset / PAGE_SIZE;
  const rights =
    (segment.flags & SEGMENT_READ ? VM_READ : 0) |
    (segment.flags & SEGMENT_WRITE ? VM_WRITE : 0) |
    (segment.flags & SEGMENT_EXECUTE ? VM_EXEC : 0);
  const holds = (vma: Vma): boolean =>
    vma.file?.inode.id === inodeId && vma.pgoff <= index && index < vma.pgoff + vma.pages;
  const candidates = [...mm.vmas].filter(holds);
  return (
    candidates.find(({ flags }) => (flags & (VM_READ | VM_WRITE | VM_EXEC)) === rights) ??
    candidates.find(({ pgoff }) => pgoff === index) ??
    candidates[0]
  );
}

/**
 * The address map of a program that has just been laid out.
 *
 * @param inodeOf the simulated inode of a recorded file, by device and inode number; undefined for an unknown one
 */
export function mapProgram(
  mm: Mm,
  start: StartEvent,
  segments: readonly SegmentEvent[],
  inodeOf: (device: number, inode: number) => number | undefined,
): AddressMap {
  const map = new AddressMap();
  let behind = -1;
  let distance = 0;
  for (const segment of segments) {
    const page = Math.floor(segment.start / PAGE_SIZE);
    const pages = Math.ceil(segment.length / PAGE_SIZE);
    if (segment.flags & (SEGMENT_HEAP | SEGMENT_STACK)) continue;
    if (segment.flags & SEGMENT_FILE) {
      const inode = inodeOf(segment.device, segment.inode);
      const vma = inode === undefined ? undefined : mappingOf(mm, segment, inode);
      if (vma === undefined) continue;
      distance = vma.start + segment.offset / PAGE_SIZE - vma.pgoff - page;
      // The bss lies behind the data in the same image and moves with it; other anonymous memory is the recorder's.
    } else if (page !== behind) continue;
    map.map(page, pages, page + distance);
    behind = page + pages;
  }
  mapStack(map, mm, start, segments);
  return map;
}

/** The stack moves with its first pointer. What the recorder keeps above the arguments shares the stack's last page. */
function mapStack(map: AddressMap, mm: Mm, start: StartEvent, segments: readonly SegmentEvent[]): void {
  const pointer = Math.floor(start.stackPointer / PAGE_SIZE);
  const simulated = Math.floor(mm.startStack / PAGE_SIZE);
  const above = TASK_PAGES - simulated;
  map.map(pointer - STACK_PAGES, STACK_PAGES + above, simulated - STACK_PAGES);
  const stack = segments.find(({ flags }) => flags & SEGMENT_STACK);
  const end = stack === undefined ? 0 : Math.ceil((stack.start + stack.length) / PAGE_SIZE);
  for (let page = pointer + above; page < Math.min(end, pointer + STACK_PAGES); page++)
    map.map(page, 1, TASK_PAGES - 1);
}
