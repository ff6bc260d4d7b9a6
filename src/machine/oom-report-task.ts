/** A process of an OOM report's table, made with real pages. */
import { PAGE_SIZE, pfn, type Vpn, vpn } from '../hardware/units.ts';
import { MM_SWAPENTS } from '../kernel/address-space/mm.ts';
import type { Vma } from '../kernel/address-space/vma.ts';
import { isError } from '../kernel/errno.ts';
import { FAULT_FLAG_WRITE, VM_FAULT_ERROR } from '../kernel/fault/outcome.ts';
import type { File } from '../kernel/page-cache/file.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MADV_PAGEOUT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  O_RDWR,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/uapi.ts';
import type { Machine } from './machine.ts';

/** A row of the table, in pages. */
export interface ReportedTask {
  readonly pid: number;
  readonly uid: number;
  readonly name: string;
  readonly totalVm: number;
  readonly anon: number;
  readonly file: number;
  readonly shmem: number;
  readonly swap: number;
  readonly tables: number;
  readonly oomScoreAdj: number;
}

/** What pages are: anonymous, of the file, of shared memory, in swap, or read only, which maps the page of zeros. */
type Kind = 'swap' | 'anon' | 'file' | 'shmem' | 'zero';
/** Pages of one kind side by side. */
interface Run {
  readonly kind: Kind;
  readonly pages: number;
  /** How many of the kind came before. */
  readonly from: number;
}

const PAGES_PER_TABLE = 512;
const FIRST_PAGE = vpn(0x10000);
/** Where a mapping lies that only makes the address space as large as it was. */
const REST_PAGE = vpn(0x600000000);

export class TaskLoader {
  readonly tasks = new Map<number, Task>();
  readonly unknown: string[] = [];
  /** Pages of the one file that everybody maps. */
  filePages = 0;
  readonly #machine: Machine;
  readonly #group: number;
  #file: File | undefined;
  #shmem: File | undefined;

  /** @param group number of the cgroup that pays */
  constructor(machine: Machine, group: number) {
    this.#machine = machine;
    this.#group = group;
  }

  /** @throws RangeError when there is no memory for it */
  load(reported: ReportedTask): void {
    const { kernel } = this.#machine;
    if (this.tasks.has(reported.pid)) {
      this.unknown.push(`who of two is process ${reported.pid}: the second row was left out`);
      return;
    }
    const task = kernel.processes.spawn(reported.name, vpn(2 ** 35 - 2), undefined, reported.pid);
    this.tasks.set(reported.pid, task);
    task.process.credentials.uid = reported.uid;
    task.process.oomScoreAdj = reported.oomScoreAdj;
    task.mm.memcg = this.#group;
    this.#machine.runOn(0, task);
    this.#layOut(task, reported);
    const rest = reported.totalVm - task.mm.totalVm;
    if (rest > 0)
      this.#map(task, REST_PAGE, rest, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, undefined, 0);
    // The report shows what the killer had read.
    task.mm.rssRead.set(task.mm.rss);
    this.#compare(task, reported);
  }

  /** Spreads the pages over as many last-level tables as the process had. */
  #layOut(task: Task, reported: ReportedTask): void {
    const kinds: readonly Kind[] = ['swap', 'anon', 'file', 'shmem'];
    const amounts = kinds.map((kind) => reported[kind as Exclude<Kind, 'zero'>]);
    const pages = amounts.reduce((sum, amount) => sum + amount, 0);
    const tables = Math.max(lastLevelTables(reported.tables), Math.ceil(pages / PAGES_PER_TABLE));
    const left = new Map<Kind, number>(kinds.map((kind, i) => [kind, amounts[i] as number]));
    const used = new Map<Kind, number>();
    for (let table = 0, done = 0; table < tables; table++) {
      const until = Math.floor((pages * (table + 1)) / tables);
      let at = FIRST_PAGE + table * PAGES_PER_TABLE;
      for (let room = until - done; room > 0; ) {
        const kind = kinds.find((each) => (left.get(each) as number) > 0) as Kind;
        const run = { kind, pages: Math.min(room, left.get(kind) as number), from: used.get(kind) ?? 0 };
        this.#place(task, vpn(at), run);
        left.set(kind, (left.get(kind) as number) - run.pages);
        used.set(kind, run.from + run.pages);
        at += run.pages;
        room -= run.pages;
      }
      if (until === done) this.#place(task, vpn(at), { kind: 'zero', pages: 1, from: 0 });
      done = until;
    }
  }

  #place(task: Task, at: Vpn, { kind, pages, from }: Run): void {
    const isFile = kind === 'file';
    const isShmem = kind === 'shmem';
    const file = isFile ? this.#mapped(from + pages) : isShmem ? this.#shared(from + pages) : undefined;
    const prot = isFile || kind === 'zero' ? PROT_READ : PROT_READ | PROT_WRITE;
    const flags = (isShmem ? MAP_SHARED : MAP_PRIVATE) | (file === undefined ? MAP_ANONYMOUS : 0);
    const vma = this.#map(task, at, pages, prot, flags, file, from * PAGE_SIZE);
    const { kernel } = this.#machine;
    for (let page = 0; page < pages; page++) {
      const write = prot & PROT_WRITE ? FAULT_FLAG_WRITE : 0;
      if (kernel.faults.handleMmFault(task, vma, vpn(at + page), write) & VM_FAULT_ERROR)
        throw new RangeError(`the report's processes do not fit into its machine (at ${task.process.comm})`);
    }
    if (kind !== 'swap') return;
    kernel.lru.drain();
    kernel.addressSpaces.madvise(task, at * PAGE_SIZE, pages * PAGE_SIZE, MADV_PAGEOUT);
  }

  #map(task: Task, at: Vpn, pages: number, prot: number, flags: number, file: File | undefined, offset: number): Vma {
    const { addressSpaces } = this.#machine.kernel;
    const start = addressSpaces.mmap(task, at * PAGE_SIZE, pages * PAGE_SIZE, prot, flags | MAP_FIXED, file, offset);
    const vma = isError(start) ? undefined : task.mm.vmas.find(at);
    if (vma === undefined) throw new RangeError(`${task.process.comm}: ${pages} pages cannot be mapped`);
    return vma;
  }

  /** The file that everybody maps, its first pages cached. */
  #mapped(pages: number): File {
    const { files } = this.#machine.kernel;
    this.#file ??= files.openInode(files.create('/mapped', { size: 0 }), O_RDWR);
    const { inode } = this.#file;
    if (pages > this.filePages) {
      inode.size = pages * PAGE_SIZE;
      inode.extents.add(this.filePages, pages);
    }
    for (; this.filePages < pages; this.filePages++) {
      const frame = files.cache.add(undefined, inode, this.filePages);
      if (frame < 0) throw new RangeError("the report's files do not fit into its machine");
      files.cache.setUptodate(pfn(frame));
    }
    return this.#file;
  }

  #shared(pages: number): File {
    const { files } = this.#machine.kernel;
    this.#shmem ??= files.memfd('shared', O_RDWR);
    const { inode } = this.#shmem;
    if (inode.size < pages * PAGE_SIZE) files.truncation.setSize(undefined, inode, pages * PAGE_SIZE);
    return this.#shmem;
  }

  /** Says where the process could not be made as it was. */
  #compare({ mm, process }: Task, reported: ReportedTask): void {
    const { pid, comm } = process;
    const tables = Math.floor(mm.pgtablesBytes / PAGE_SIZE);
    if (tables > reported.tables)
      this.unknown.push(
        `which pages of ${comm} (${pid}) were huge: it had ${reported.tables} page tables and has ${tables} here`,
      );
    if (mm.rss[MM_SWAPENTS] !== reported.swap)
      this.unknown.push(
        `where all pages of ${comm} (${pid}) in swap lay: it had ${reported.swap} and has ${mm.rss[MM_SWAPENTS]} here`,
      );
  }
}

/** Of so many tables below the top one, how many hold pages: the others are the levels above them. */
function lastLevelTables(tables: number): number {
  if (tables < 3) return 0;
  const below = tables - 1;
  return below - Math.ceil(below / (PAGES_PER_TABLE + 1));
}
