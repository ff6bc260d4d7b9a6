/**
 * exec(2) of an ELF file as far as memory goes: a new address space with the program, its interpreter, the stack, the
 * break and the vdso where load_elf_binary (fs/binfmt_elf.c, 6.18) puts them, and the page faults that the kernel takes
 * on the program's account while it does so.
 */
import { PAGE_SIZE, type VirtualAddress, type Vpn } from '../../hardware/units.ts';
import { mmapBase, TASK_SIZE } from '../address-space/layout.ts';
import type { Mm } from '../address-space/mm.ts';
import {
  VM_ACCOUNT,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_IO,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_PFNMAP,
  VM_READ,
  VM_WRITE,
} from '../address-space/vm-flags.ts';
import { type SpecialMapping, Vma } from '../address-space/vma.ts';
import { isError } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import { RLIMIT_STACK } from '../uapi.ts';
import type { ElfImage } from './elf.ts';
import { DYN_BASE, loadInterpreter, loadProgram, pageDown, pageUp, randomBits } from './exec-load.ts';
import { type ExecStrings, layOutStack } from './exec-stack.ts';
import type { Process, Task } from './process.ts';

/** A file and what its headers say. */
export interface ElfFile {
  readonly file: File;
  readonly image: ElfImage;
}

export interface ExecRequest {
  readonly program: ElfFile;
  /** The file that the program's PT_INTERP names; undefined for static programs. */
  readonly interpreter: ElfFile | undefined;
  readonly strings: ExecStrings;
  /** A source of uniform 32-bit numbers turns address-space randomisation on; undefined is ADDR_NO_RANDOMIZE. */
  readonly random?: (() => number) | undefined;
}

/** The pages that the kernel shares with every program, in the order of their addresses. */
export interface VdsoImage {
  /** [vvar], 4 pages. */
  readonly vvar: SpecialMapping;
  /** [vvar_vclock], 2 pages. */
  readonly vvarVclock: SpecialMapping;
  /** [vdso], 2 pages. */
  readonly vdso: SpecialMapping;
}

/** What exec needs of the rest of the kernel. Results below 0 are negated error numbers. */
export interface ExecServices {
  /** Gives the process a new, empty address space and drops the one it had (exec_mmap). */
  replaceMm(process: Process, mmapBase: Vpn): void;
  mmap(task: Task, address: number, length: number, prot: number, flags: number, file: File, offset: number): number;
  munmap(task: Task, address: number, length: number): number;
  /** Anonymous memory as the break has it (vm_brk_flags). */
  mapBrk(task: Task, address: number, length: number, executable: boolean): number;
  /** A free range for a mapping without a hint (get_unmapped_area); byte address. */
  unmappedArea(task: Task, length: number): number;
  /** Enters a mapping and its accounting (insert_vm_struct). */
  insertVma(vma: Vma): number;
  readonly special: VdsoImage;
  /** A store by the kernel to user memory, with the faults it takes. */
  writeUser(task: Task, address: number, length: number): void;
}

/** setup_arg_pages keeps this much stack ready, in bytes. */
const STACK_EXPAND = 128 << 10;
const VVAR_FLAGS = VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_PFNMAP | VM_DONTEXPAND;
const VDSO_FLAGS = VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_DONTEXPAND;
const STACK_FLAGS = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN | VM_ACCOUNT;

const toPage = (address: number): Vpn => (address / PAGE_SIZE) as Vpn;

/**
 * Replaces the program of a process.
 *
 * @returns 0, or a negated error number. As in Linux, a failure behind the point of no return leaves the process without
 * a usable program: the caller kills it with SIGSEGV.
 */
export function exec(services: ExecServices, task: Task, request: ExecRequest): number {
  const limit = task.process.rlimits.soft[RLIMIT_STACK] as number;
  const top = TASK_SIZE - randomBits(request, 22) * PAGE_SIZE;
  const stack = layOutStack(top, request.strings, limit);
  if (typeof stack === 'number') return stack;

  services.replaceMm(task.process, mmapBase(limit, request.random && randomBits(request, 28)));
  const mm = task.mm;
  const reserved = Math.min(Math.floor(limit / PAGE_SIZE) * PAGE_SIZE, top - pageDown(stack.strings) + STACK_EXPAND);
  const stackFlags = STACK_FLAGS | (request.program.image.stackExecutable ? VM_EXEC : 0);
  const inserted = services.insertVma(
    new Vma(mm, toPage(top - reserved), toPage(top), stackFlags, toPage(top - reserved)),
  );
  if (isError(inserted)) return inserted;
  services.writeUser(task, stack.strings, top - stack.strings);

  const bias = loadProgram(services, task, request);
  if (isError(bias)) return bias;
  if (request.interpreter !== undefined) {
    const loaded = loadInterpreter(services, task, request.interpreter);
    if (isError(loaded)) return loaded;
  }
  const vdso = mapVdso(services, task);
  if (isError(vdso)) return vdso;
  services.writeUser(task, stack.pointer, stack.strings - stack.pointer);
  mm.startStack = stack.pointer as VirtualAddress;
  placeBreak(mm, request, bias);
  return 0;
}

/** [vvar], [vvar_vclock] and [vdso] in one free range, in this order (map_vdso). */
function mapVdso(services: ExecServices, task: Task): number {
  const { vvar, vvarVclock, vdso } = services.special;
  const pages = vvar.frames.length + vvarVclock.frames.length + vdso.frames.length;
  const area = services.unmappedArea(task, pages * PAGE_SIZE);
  if (isError(area)) return area;
  let page = toPage(area);
  for (const special of [vvar, vvarVclock, vdso]) {
    const end = (page + special.frames.length) as Vpn;
    const flags = special === vdso ? VDSO_FLAGS : VVAR_FLAGS;
    const error = services.insertVma(new Vma(task.mm, page, end, flags, 0, undefined, special));
    if (isError(error)) return error;
    page = end;
  }
  return 0;
}

/** The break begins behind the bss; that of a static PIE at ELF_ET_DYN_BASE, away from the mmap area. */
function placeBreak(mm: Mm, request: ExecRequest, bias: number): void {
  const { image } = request.program;
  const moved = image.type === 'dyn' && request.interpreter === undefined;
  const ends = image.segments.map(({ address, memorySize }) => address + memorySize + bias);
  let start = pageUp(moved ? DYN_BASE : Math.max(0, ...ends));
  if (request.random !== undefined) {
    if (!moved) start += PAGE_SIZE;
    // arch_randomize_brk: 32 MiB, 1 GiB for what has no interpreter.
    start += randomBits(request, moved ? 18 : 13) * PAGE_SIZE;
  }
  mm.startBrk = start as VirtualAddress;
  mm.brk = start as VirtualAddress;
}
