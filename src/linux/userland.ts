/**
 * The programs of a small Debian 12 as files of the machine: their sizes and the segments that their ELF headers load
 * (`readelf -lW` of bash 5.2, procps 4.0.2, glibc 2.36), so that a command's process has the mappings, the faults and
 * about the resident size that it has in life.
 */
import { LOAD, STORE } from '../hardware/cpu.ts';
import { addressOf, PAGE_SIZE } from '../hardware/units.ts';
import { VM_WRITE } from '../kernel/address-space/vm-flags.ts';
import { isError } from '../kernel/errno.ts';
import type { Inode } from '../kernel/page-cache/inode.ts';
import { panic } from '../kernel/panic.ts';
import type { ElfImage } from '../kernel/process/elf.ts';
import type { Task } from '../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, O_RDONLY, PROT_EXEC, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import type { Machine } from '../machine/machine.ts';

/** Loaded parts of a file: offset, address, bytes in the file, bytes in memory, and how they may be used. */
type Segment = readonly [offset: number, address: number, fileSize: number, memorySize: number, prot: number];

interface ProgramFile {
  readonly bytes: number;
  readonly segments: readonly Segment[];
}

const R = PROT_READ;
const RX = PROT_READ | PROT_EXEC;
const RW = PROT_READ | PROT_WRITE;

const LOADER = '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2';
const LIBC = '/usr/lib/x86_64-linux-gnu/libc.so.6';
const BASH = '/usr/bin/bash';
/** Stands for every small program of the base system. */
const TOOL: ProgramFile = {
  bytes: 26_936,
  segments: [
    [0, 0, 0x10d8, 0x10d8, R],
    [0x2000, 0x2000, 0x1b99, 0x1b99, RX],
    [0x4000, 0x4000, 0xc08, 0xc08, R],
    [0x5a10, 0x5a10, 0x600, 0x2670, RW],
  ],
};

const FILES: Readonly<Record<string, ProgramFile>> = {
  [BASH]: {
    bytes: 1_265_648,
    segments: [
      [0, 0, 0x2ed48, 0x2ed48, R],
      [0x2f000, 0x2f000, 0xc0b9d, 0xc0b9d, RX],
      [0xf0000, 0xf0000, 0x37f44, 0x37f44, R],
      [0x128af0, 0x128af0, 0xbc74, 0x16cf0, RW],
    ],
  },
  [LOADER]: {
    bytes: 215_000,
    segments: [
      [0, 0, 0xd58, 0xd58, R],
      [0x1000, 0x1000, 0x25111, 0x25111, RX],
      [0x27000, 0x27000, 0x9c7c, 0x9c7c, R],
      [0x31900, 0x31900, 0x2810, 0x29d8, RW],
    ],
  },
  [LIBC]: {
    bytes: 1_926_232,
    segments: [
      [0, 0, 0x25388, 0x25388, R],
      [0x26000, 0x26000, 0x1550fc, 0x1550fc, RX],
      [0x17c000, 0x17c000, 0x52c31, 0x52c31, R],
      [0x1cf8d0, 0x1cf8d0, 0x4f98, 0x12680, RW],
    ],
  },
};

/** A program that starts looks at one page in so many of what it only reads; fault-around maps those between. */
const READ_STRIDE = 16;
const ANONYMOUS_FIXED = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
/** Lengths, as `env` of a login shell has them. */
const ENVIRONMENT = Array.from({ length: 20 }, () => 32);

const imageOf = ({ segments }: ProgramFile, interpreter: string | undefined): ElfImage => ({
  type: 'dyn',
  entry: segments[1]?.[1] ?? 0,
  interpreter,
  stackExecutable: false,
  segments: segments.map(([offset, address, fileSize, memorySize, prot]) => ({
    address,
    offset,
    fileSize,
    memorySize,
    prot,
    align: PAGE_SIZE,
  })),
});

export class Userland {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /**
   * Replaces a process's program, and does what every dynamic program does before main: maps the C library, writes its
   * data, reads of its text what it needs.
   * @param path of the program
   * @returns 0 or a negated errno
   */
  exec(task: Task, path: string, argv: readonly string[]): number {
    const { kernel } = this.#machine;
    this.#machine.runOn(0, task);
    const [program, loader] = [this.#open(path), this.#open(LOADER)];
    const error = kernel.exec(task, {
      program: { file: program, image: imageOf(programOf(path), LOADER) },
      interpreter: { file: loader, image: imageOf(programOf(LOADER), undefined) },
      strings: { filename: path.length, argv: argv.map((word) => word.length), envp: ENVIRONMENT },
    });
    // A mapping keeps its file; the descriptors that exec used are closed.
    kernel.files.put(program);
    kernel.files.put(loader);
    if (isError(error)) return error;
    task.process.comm = path.slice(path.lastIndexOf('/') + 1, path.lastIndexOf('/') + 16);
    const mapped = this.#mapLibrary(task, LIBC);
    if (isError(mapped)) return mapped;
    this.#run(task);
    return 0;
  }

  /** Every mapping of a file: all of what is written, some of what is read. */
  #run(task: Task): void {
    for (const vma of [...task.mm.vmas]) {
      if (vma.file === undefined) continue;
      const writable = (vma.flags & VM_WRITE) !== 0;
      for (let page = 0; page < vma.pages; page += writable ? 1 : READ_STRIDE)
        this.#machine.touch(task, addressOf(vma.start) + page * PAGE_SIZE, writable ? STORE : LOAD);
    }
  }

  /** As ld.so does: one mapping of the whole, then each segment over it, and memory for the bss. */
  #mapLibrary(task: Task, path: string): number {
    const { addressSpaces, files } = this.#machine.kernel;
    const { segments } = programOf(path);
    const [, lastAddress, , lastSize] = segments.at(-1) ?? panic(`userland: ${path} has no segments`);
    const file = this.#open(path);
    const base = addressSpaces.mmap(task, 0, lastAddress + lastSize, PROT_READ, MAP_PRIVATE, file, 0);
    for (const [offset, address, fileSize, memorySize, prot] of isError(base) ? [] : segments.slice(1)) {
      const inPage = offset % PAGE_SIZE;
      const at = base + address - inPage;
      addressSpaces.mmap(task, at, fileSize + inPage, prot, MAP_PRIVATE | MAP_FIXED, file, offset - inPage);
      const bss = Math.ceil((address + fileSize) / PAGE_SIZE) * PAGE_SIZE;
      if (address + memorySize > bss)
        addressSpaces.mmap(task, base + bss, address + memorySize - bss, prot, ANONYMOUS_FIXED, undefined, 0);
    }
    files.put(file);
    return base;
  }

  #open(path: string) {
    const { files } = this.#machine.kernel;
    return files.openInode(this.#inode(path), O_RDONLY);
  }

  /** The file, made when it is first asked for. Nothing of it is cached then. */
  #inode(path: string): Inode {
    const { files } = this.#machine.kernel;
    return files.names.find(path) ?? files.create(path, { size: programOf(path).bytes });
  }
}

const programOf = (path: string): ProgramFile => FILES[path] ?? TOOL;
