/** The events of a recording on the simulated machine: threads, processes, system calls, what the kernel touched. */
import { costs } from '../../hardware/costs.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import { errnoName, isError } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Process } from '../../kernel/process/process.ts';
import { CAUSE_CONTEXT_SWITCH } from '../../kernel/time/clock.ts';
import type { Machine } from '../../machine/machine.ts';
import type { EnterEvent, RecordedEvent, SyscallEvent } from './events.ts';
import { type Mismatch, Mismatches } from './mismatches.ts';
import type { RecordedFiles } from './recorded-files.ts';
import type { ReplayMeter } from './replay-meter.ts';
import { ReplayedProcess, type UserRange } from './replayed-process.ts';
import { SYS, syscallName } from './syscall-numbers.ts';
import { SystemCalls } from './system-calls.ts';

/** Natively no system calls, but functions of the vdso, which the recorder hides. */
const CLOCK_CALLS = new Set<number>([SYS.clock_gettime, SYS.gettimeofday, SYS.time, SYS.getcpu]);
const CLONE_VM = 0x100;
const CLONE_FILES = 0x400;
const CLONE_THREAD = 0x10000;

/** A process in the report. */
export interface ProcessRow {
  readonly pid: number;
  readonly name: string;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Bytes that came from disks, swap among them (ru_inblock is these / 512). */
  readonly readBytes: number;
}

export const rowOf = ({ pid, comm, minFlt, majFlt, readBytes }: Process): ProcessRow => ({
  pid,
  name: comm,
  minorFaults: minFlt,
  majorFaults: majFlt,
  readBytes,
});

export class ReplayEvents {
  /** Children that a parent forked and whose stream has not begun. */
  readonly forked: ReplayedProcess[] = [];
  readonly mismatches = new Mismatches();
  /** What is left to tell of processes that ended. */
  readonly ended: ProcessRow[] = [];

  readonly #machine: Machine;
  readonly #kernel: Kernel;
  readonly #meter: ReplayMeter;
  readonly #calls: SystemCalls;
  /** The task that each CPU ran last; 0 for none yet. */
  readonly #running: Int32Array;

  /** @param pooled as in MemoryCalls */
  constructor(machine: Machine, files: RecordedFiles, meter: ReplayMeter, pooled = false) {
    this.#machine = machine;
    this.#kernel = machine.kernel;
    this.#meter = meter;
    this.#calls = new SystemCalls(machine.kernel, files, pooled);
    this.#running = new Int32Array(machine.cpus.length);
  }

  /** Plays an event; `start` and its segments are the caller's (ProgramLauncher). */
  apply(process: ReplayedProcess, event: RecordedEvent): void {
    switch (event.type) {
      case 'file':
        process.tell(event, this.#kernel.files);
        break;
      case 'kernelRead':
        process.reads.push(event);
        this.#touch(process, event, false);
        break;
      case 'kernelWrite':
        process.writes.push(event);
        this.#touch(process, event, true);
        break;
      case 'signalFrame':
        this.#touch(process, event, true);
        break;
      case 'enter':
        this.#enter(process, event);
        break;
      case 'syscall':
        this.#systemCall(process, event);
        break;
      case 'thread':
        process.task = process.thread(event.tid);
        break;
      case 'threadCreate':
        process.tasks.set(event.tid, this.#kernel.processes.addThread(process.process));
        break;
      case 'threadExit':
        this.#endThread(process, event.tid);
        break;
      case 'end':
        this.#exit(process, event.exitCode);
        break;
      default:
    }
  }

  /** A clock is read without entering the kernel: code of the vdso, data of [vvar]. */
  #readClock({ task, clockPages }: ReplayedProcess): void {
    for (const page of clockPages)
      this.#meter.book(task, page, () => this.#kernel.userAccess.read(task, page * PAGE_SIZE, 1));
  }

  /** Pages that the kernel read or wrote for a system call or a signal: they fault for the process as its own do. */
  #touch(process: ReplayedProcess, range: UserRange, write: boolean): void {
    const { userAccess } = this.#kernel;
    const { task } = process;
    for (const { address, length } of process.simulated(range)) {
      for (let at = address; at < address + length; ) {
        const next = Math.min(address + length, (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE);
        const bytes = next - at;
        const reached = this.#meter.book(task, Math.floor(at / PAGE_SIZE), () =>
          write ? userAccess.write(task, at, bytes) : userAccess.read(task, at, bytes),
        );
        if (reached < bytes) return;
        at = next;
      }
    }
  }

  #enter(process: ReplayedProcess, event: EnterEvent): void {
    process.reads.length = 0;
    process.writes.length = 0;
    if (event.number === SYS.execve || event.number === SYS.execveat) this.#meter.systemCall();
  }

  #systemCall(process: ReplayedProcess, event: SyscallEvent): void {
    const { number, args, result } = event;
    if (CLOCK_CALLS.has(number)) {
      this.#readClock(process);
      return;
    }
    this.#meter.systemCall();
    const page = Math.max(0, process.map.translate(Math.floor(args[0] / PAGE_SIZE)));
    const forks = number === SYS.clone || number === SYS.fork || number === SYS.vfork || number === SYS.clone3;
    if (forks) this.#fork(process, event);
    else {
      const answer = this.#meter.book(process.task, page, () => this.#calls.run(process, event));
      if (answer !== undefined && answer !== result) {
        const [was, is] = [result, answer].map((n) => (isError(n) ? errnoName(-n) : String(n)));
        this.mismatches.add(syscallName(number), `${is} instead of ${was}`);
      }
    }
    this.#meter.notePeak(process.task.mm);
    process.reads.length = 0;
    process.writes.length = 0;
  }

  /** A new process; threads have an event of their own. vfork's child shares the address space until it execs, as natively. */
  #fork(process: ReplayedProcess, { number, args, result }: SyscallEvent): void {
    const flags = number === SYS.clone ? args[0] : number === SYS.vfork ? CLONE_VM : 0;
    if (result <= 0 || flags & CLONE_THREAD) return;
    const options = { vm: (flags & CLONE_VM) !== 0, files: (flags & CLONE_FILES) !== 0 };
    const task = this.#kernel.processes.fork(process.task, options);
    if (typeof task === 'number') {
      this.mismatches.add('fork', `${errnoName(-task)} instead of a child`);
      return;
    }
    const child = new ReplayedProcess(result, task);
    child.map = process.map.copy();
    child.heapStart = process.heapStart;
    child.heapEnd = process.heapEnd;
    child.clockPages = process.clockPages;
    this.forked.push(child);
  }

  #exit({ process }: ReplayedProcess, code: number): void {
    this.#kernel.processes.exit(process, { exit: code });
    this.ended.push(rowOf(process));
  }

  #endThread(process: ReplayedProcess, tid: number): void {
    const task = process.tasks.get(tid);
    if (task === undefined || process.process.tasks.length < 2) return;
    process.tasks.delete(tid);
    this.#kernel.processes.endThread(task);
    if (process.task === task) process.task = process.process.tasks[0];
  }

  /** Lets the process's thread run on its CPU: threads are dealt out over the CPUs in turn. */
  schedule(process: ReplayedProcess): void {
    const { cpus, clock } = this.#machine;
    const { tid } = process.task;
    const place = cpus.length === 1 ? 0 : tid % cpus.length;
    if (this.#running[place] !== tid) {
      if (this.#running[place] !== 0) clock.spend(costs.contextSwitch, CAUSE_CONTEXT_SWITCH);
      this.#running[place] = tid;
    }
    this.#machine.runOn(place, process.task);
    this.#kernel.trace.cpu = place;
    this.#kernel.trace.pid = tid;
  }

  save(): ReplayEventsState {
    return { mismatches: this.mismatches.save(), ended: [...this.ended], running: this.#running.slice() };
  }

  restore(state: ReplayEventsState): void {
    this.mismatches.restore(state.mismatches);
    this.ended.push(...state.ended);
    this.#running.set(state.running);
  }
}

export interface ReplayEventsState {
  readonly mismatches: [string, Mismatch][];
  readonly ended: readonly ProcessRow[];
  readonly running: Int32Array;
}
