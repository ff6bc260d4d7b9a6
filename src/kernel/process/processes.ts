/** The life of processes as far as memory goes (kernel/fork.c, kernel/exit.c): address spaces made, copied, dropped. */
import type { Vpn } from '../../hardware/units.ts';
import { Mm } from '../address-space/mm.ts';
import { VM_HUGETLB, VM_WIPEONFORK } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import { payForProcess, payForVma } from '../cgroup/kernel-objects.ts';
import type { PageCore } from '../core.ts';
import { EINTR, ENOMEM } from '../errno.ts';
import { NO_PRESSURE } from '../frames/allocator.ts';
import type { File } from '../page-cache/file.ts';
import { copyRange, needsCopy } from '../page-table/copy.ts';
import { panic } from '../panic.ts';
import { MMAP_EXIT_MMAP } from '../tracepoints.ts';
import { FileTable } from './file-table.ts';
import { defaultRlimits, type Ending, Process, type Rlimits, rootCredentials, Task } from './process.ts';
import { traceExit, traceFork } from './process-trace.ts';
import {
  type FileTableState,
  type MmState,
  type ProcessState,
  type References,
  restoreFileTable,
  restoreMm,
  restoreProcess,
  saveFileTable,
  saveMm,
  saveProcess,
} from './processes-state.ts';
import type { TlbState } from './tlb-state.ts';

/** What processes need of the address space and of the files. */
export interface ProcessServices {
  /**
   * Copies the mappings of an address space into an empty one and calls `copyPages` for each (dup_mmap).
   * @returns 0 or a negated errno
   */
  dupMmap(process: Process, from: Mm, to: Mm, copyPages: (from: Vma, to: Vma) => boolean): number;
  /** Unmaps everything (exit_mmap). */
  exitMmap(mm: Mm): void;
  /** One more user of an open file. */
  getFile(file: File): void;
  /** One user less; the last one closes it. */
  putFile(file: File): void;
}

/** What a new task shares with the one that made it (clone flags, as booleans). */
export interface CloneOptions {
  /** CLONE_VM: the address space. */
  readonly vm?: boolean;
  /** CLONE_FILES: the descriptors. */
  readonly files?: boolean;
}

export class Processes {
  readonly #core: PageCore;
  readonly #tlb: TlbState;
  readonly #services: ProcessServices;
  readonly #byPid = new Map<number, Process>();
  /** 1 is that of init, which nobody may kill and no program here is. */
  #lastPid = 1;
  #lastMm = 0;

  constructor(core: PageCore, tlb: TlbState, services: ProcessServices) {
    this.#core = core;
    this.#tlb = tlb;
    this.#services = services;
  }

  /** Living processes, by pid in the order of their birth. */
  get all(): ReadonlyMap<number, Process> {
    return this.#byPid;
  }

  /**
   * A process without a parent and with an empty address space; exec or mmap fill it.
   * @param pid one that no living process has; the next one without it
   */
  spawn(comm: string, mmapBase: Vpn, limits: Rlimits = defaultRlimits(), pid: number = this.#lastPid + 1): Task {
    if (this.#byPid.has(pid)) panic(`spawn: process ${pid} lives`);
    this.#lastPid = Math.max(this.#lastPid, pid);
    const process = new Process({
      pid,
      comm,
      mm: this.createMm(mmapBase),
      files: new FileTable(),
      rlimits: limits,
      credentials: rootCredentials(),
    });
    return this.#enter(process);
  }

  /** A new thread of a process (CLONE_THREAD). */
  addThread(process: Process): Task {
    const task = new Task(++this.#lastPid, process);
    process.tasks.push(task);
    return task;
  }

  /** One thread ends; its faults stay with the process. */
  endThread(task: Task): void {
    const { process } = task;
    const at = process.tasks.indexOf(task);
    if (at < 0) panic(`exit: task ${task.tid} is not a thread of process ${process.pid}`);
    process.endedMinFlt += task.minFlt;
    process.endedMajFlt += task.majFlt;
    process.tasks.splice(at, 1);
  }

  /**
   * A new process (kernel_clone): with a copy of the address space, or sharing it until it execs.
   * @returns its first task, or a negated errno: -EINTR when the parent was killed meanwhile
   */
  fork(parent: Task, options: CloneOptions = {}): Task | number {
    const { process } = parent;
    // Who forks may be the one who goes for the memory that it takes.
    if (this.#core.allocator.pressure !== NO_PRESSURE && !this.#core.relieve(parent, 'fork')) return -EINTR;
    const mm = options.vm ? process.mm : this.createMm(process.mm.mmapBase);
    if (options.vm) mm.users++;
    else {
      const error = this.#copyMm(process, process.mm, mm);
      if (error !== 0) {
        this.dropMm(mm);
        return error;
      }
    }
    const files = options.files ? process.files : this.#copyFiles(process.files);
    const child = new Process({
      pid: ++this.#lastPid,
      parent: process,
      comm: process.comm,
      mm,
      files,
      rlimits: { soft: process.rlimits.soft.slice(), hard: process.rlimits.hard.slice() },
      credentials: { ...process.credentials },
    });
    child.oomScoreAdj = process.oomScoreAdj;
    child.oomScoreAdjMin = process.oomScoreAdjMin;
    payForProcess(this.#core, child, true);
    traceFork(this.#core.trace, parent, child, options.vm === true);
    return this.#enter(child);
  }

  /**
   * The process ends: its address space is dropped and its files are closed (do_exit). One that no signal reaches ends from
   * a signal only when it wakes.
   */
  exit(process: Process, ending: Ending): void {
    if (process.ending !== undefined) return;
    if (process.uninterruptible && 'signal' in ending) {
      process.pendingEnding = ending;
      return;
    }
    process.ending = ending;
    traceExit(this.#core.trace, process);
    for (const task of [...process.tasks]) this.endThread(task);
    this.dropMm(process.mm);
    for (const [fd, file] of process.files.entries()) {
      process.files.remove(fd);
      this.#services.putFile(file);
    }
    payForProcess(this.#core, process, false);
    this.#byPid.delete(process.pid);
  }

  /** A process that slept where no signal reached it goes on; one that was killed meanwhile ends. */
  wake(process: Process): void {
    process.uninterruptible = false;
    if (process.pendingEnding !== undefined) this.exit(process, process.pendingEnding);
  }

  /** An empty address space with a top-level table (mm_init). Throws a panic when there is no frame for it. */
  createMm(mmapBase: Vpn): Mm {
    const pgd = this.#core.pages.allocateTable();
    if (pgd < 0) panic('mm_init: no frame for a page directory');
    const mm = new Mm(++this.#lastMm, pgd as never, mmapBase);
    mm.onVma = (vma, isNew) => payForVma(this.#core, vma, isNew);
    return mm;
  }

  /** Gives a process an address space of its own in place of the one it had (exec_mmap). */
  replaceMm(process: Process, mmapBase: Vpn): void {
    const old = process.mm;
    process.mm = this.createMm(mmapBase);
    process.mm.memcg = old.memcg;
    this.dropMm(old);
  }

  /** One user less; with the last one all goes (mmput). */
  dropMm(mm: Mm): void {
    if (--mm.users > 0) return;
    if (this.#core.trace.on) this.#core.trace.emit(MMAP_EXIT_MMAP, this.#core.trace.pid, mm.id);
    this.#services.exitMmap(mm);
    if (mm.pgtablesBytes !== 0) panic(`mmput: ${mm.pgtablesBytes} bytes of page tables of mm ${mm.id} are left`);
    this.#tlb.forget(mm);
    this.#core.pages.releaseTable(mm.pgd);
  }

  #enter(process: Process): Task {
    const task = new Task(process.pid, process);
    process.times.started = this.#core.clock.now;
    process.tasks.push(task);
    this.#byPid.set(process.pid, process);
    return task;
  }

  /** dup_mm: mappings and pages; the break and the sizes go along, locks do not. */
  #copyMm(process: Process, from: Mm, to: Mm): number {
    to.startBrk = from.startBrk;
    to.brk = from.brk;
    to.startCode = from.startCode;
    to.endCode = from.endCode;
    to.startData = from.startData;
    to.endData = from.endData;
    to.startStack = from.startStack;
    to.thpDisabled = from.thpDisabled;
    to.memcg = from.memcg;
    let outOfMemory = false;
    const error = this.#services.dupMmap(process, from, to, (old, copy) => {
      // A mapping that is wiped begins without pages and without anon_vma.
      if (copy.flags & VM_WIPEONFORK) return true;
      this.#core.anonVmas.fork(old, copy);
      if (!needsCopy(old)) return true;
      const copied = old.flags & VM_HUGETLB ? this.#core.hugetlb.copy(old, copy) : copyRange(this.#core, old, copy);
      outOfMemory ||= !copied;
      return !outOfMemory;
    });
    // The parent's private pages are read-only now (dup_mmap, flush_tlb_mm).
    this.#core.tlb.flushMm(from);
    return outOfMemory ? -ENOMEM : error;
  }

  #copyFiles(from: FileTable): FileTable {
    const copy = new FileTable();
    for (const [fd, file] of from.entries()) {
      copy.replace(fd, file);
      this.#services.getFile(file);
    }
    return copy;
  }

  /** Every living process with its address space and its descriptors, as plain data. */
  save(): ProcessesState {
    const processes = [...this.#byPid.values()];
    const mms = [...new Set(processes.map((process) => process.mm))];
    const tables = [...new Set(processes.map((process) => process.files))];
    return {
      lastPid: this.#lastPid,
      lastMm: this.#lastMm,
      mms: mms.map(saveMm),
      fileTables: tables.map(saveFileTable),
      processes: processes.map((process) => saveProcess(process, tables.indexOf(process.files))),
    };
  }

  /** Takes the place of all processes. A parent that has ended is not known any more. */
  restore(state: ProcessesState, references: References): void {
    this.#lastPid = state.lastPid;
    this.#lastMm = state.lastMm;
    this.#byPid.clear();
    const mms = new Map(state.mms.map((mm) => [mm.id, restoreMm(mm, references)]));
    for (const mm of mms.values()) mm.onVma = (vma, isNew) => payForVma(this.#core, vma, isNew);
    const tables = state.fileTables.map((table) => restoreFileTable(table, references.file));
    for (const saved of state.processes) {
      const mm = mms.get(saved.mm) ?? panic(`restore: mm ${saved.mm} is missing`);
      const files = tables[saved.files] ?? panic(`restore: descriptors of process ${saved.pid} are missing`);
      this.#byPid.set(saved.pid, restoreProcess(saved, mm, files, this.#byPid.get(saved.parent)));
    }
  }
}

export interface ProcessesState {
  readonly lastPid: number;
  readonly lastMm: number;
  readonly mms: readonly MmState[];
  readonly fileTables: readonly FileTableState[];
  readonly processes: readonly ProcessState[];
}
