/** The events of a recording on the simulated machine: programs, threads, system calls, what the kernel touched. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { SpecialMapping } from '../../kernel/address-space/vma.ts';
import { errnoName, isError } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { ElfFile, ExecRequest } from '../../kernel/process/exec.ts';
import type { Process } from '../../kernel/process/process.ts';
import type { Machine } from '../../machine/machine.ts';
import type { EnterEvent, RecordedEvent, SegmentEvent, StartEvent, SyscallEvent } from './events.ts';
import { SEGMENT_FILE } from './events.ts';
import { imageOf, mapProgram, stringsOf } from './program-start.ts';
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
/** Bytes of the vdso that the dynamic linker reads: its ELF header. */
const ELF_HEADER = 64;

/** How often a call answered otherwise than in the recording, and how it did the first time. */
export interface Mismatch {
  count: number;
  readonly first: string;
}

/** A process in the report. */
export interface ProcessRow {
  readonly pid: number;
  readonly name: string;
  readonly minorFaults: number;
  readonly majorFaults: number;
}

export const rowOf = ({ pid, comm, minFlt, majFlt }: Process): ProcessRow => ({
  pid,
  name: comm,
  minorFaults: minFlt,
  majorFaults: majFlt,
});

export class ReplayEvents {
  /** Children that a parent forked and whose stream has not begun. */
  readonly forked: ReplayedProcess[] = [];
  /** By system call. */
  readonly mismatches = new Map<string, Mismatch>();
  /** What is left to tell of processes that ended. */
  readonly ended: ProcessRow[] = [];

  readonly #machine: Machine;
  readonly #kernel: Kernel;
  readonly #files: RecordedFiles;
  readonly #meter: ReplayMeter;
  readonly #calls: SystemCalls;
  readonly #random: (() => number) | undefined;

  /** @param random for address-space randomisation; undefined without */
  constructor(machine: Machine, files: RecordedFiles, meter: ReplayMeter, random: (() => number) | undefined) {
    this.#machine = machine;
    this.#kernel = machine.kernel;
    this.#files = files;
    this.#meter = meter;
    this.#calls = new SystemCalls(machine.kernel, files);
    this.#random = random;
  }

  /** Plays an event; `start` and its segments are the caller's (`begin`). */
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

  /** A program begins: exec, and the map from its recorded segments. */
  begin(process: ReplayedProcess, start: StartEvent, segments: readonly SegmentEvent[]): void {
    const request = this.#request(start, segments);
    const { task } = process;
    for (const other of [...process.process.tasks]) if (other !== task) this.#kernel.processes.endThread(other);
    process.tasks.clear();
    if (request === undefined) {
      this.#differ('execve', `the recording has no program headers of ${start.executable}`);
      return;
    }
    let result = 0;
    this.#meter.bookExec(task, () => {
      result = this.#kernel.exec(task, request);
    });
    if (isError(result)) this.#differ('execve', `${start.executable}: ${errnoName(-result)}`);
    process.process.comm = start.executable.replace(/^.*\//, '').slice(0, 15);
    process.map = mapProgram(task.mm, start, segments, (device, inode) => this.#files.inodeOf(device, inode));
    process.heapStart = start.brk;
    process.heapEnd = start.brk;
    this.#readVdso(process);
  }

  /** What exec is to do. A script's start names the script, and its map the interpreter that runs it. */
  #request(start: StartEvent, segments: readonly SegmentEvent[]): ExecRequest | undefined {
    const mapped = segments.flatMap(({ flags, path }) => (flags & SEGMENT_FILE ? [path] : []));
    const isElf = (path: string): boolean => this.#files.factsOf(path)?.elf !== undefined;
    const name = [start.executable, ...mapped].find(isElf);
    const program = name === undefined ? undefined : this.#elf(name);
    if (program === undefined) return undefined;
    const wanted = program.image.interpreter;
    const loaders = wanted === undefined ? [] : [wanted, ...mapped.filter((path) => path !== name)];
    const loader = loaders.find(isElf);
    const interpreter = loader === undefined ? undefined : this.#elf(loader);
    return { program, interpreter, strings: stringsOf(start), random: this.#random };
  }

  #elf(path: string): ElfFile | undefined {
    const facts = this.#files.factsOf(path);
    return facts?.elf === undefined ? undefined : { file: this.#files.open(facts, 0), image: imageOf(facts.elf) };
  }

  /** The dynamic linker looks for functions in the vdso, which the recorder hides from it (setup_vdso_pointers). */
  #readVdso(process: ReplayedProcess): void {
    const { task } = process;
    const { vdso, vvar } = this.#kernel.special;
    const first = (special: SpecialMapping): number[] =>
      [...task.mm.vmas].flatMap((vma) => (vma.special === special ? [vma.start] : []));
    process.clockPages = [...first(vdso), ...first(vvar)];
    for (const page of first(vdso))
      this.#meter.book(task, page, () => this.#kernel.userAccess.read(task, page * PAGE_SIZE, ELF_HEADER));
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
        this.#differ(syscallName(number), `${is} instead of ${was}`);
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
      this.#differ('fork', `${errnoName(-task)} instead of a child`);
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

  #differ(call: string, how: string): void {
    const known = this.mismatches.get(call);
    if (known === undefined) this.mismatches.set(call, { count: 1, first: how });
    else known.count++;
  }

  /** Lets the process's thread run on its CPU: threads are dealt out over the CPUs in turn. */
  schedule(process: ReplayedProcess): void {
    const { cpus } = this.#machine;
    const place = cpus.length === 1 ? 0 : process.task.tid % cpus.length;
    this.#machine.runOn(place, process.task);
    this.#kernel.trace.cpu = place;
    this.#kernel.trace.pid = process.task.tid;
  }

  save(): ReplayEventsState {
    return { mismatches: structuredClone([...this.mismatches]), ended: [...this.ended] };
  }

  /** @param forked the children whose streams have not begun, of a restored machine */
  restore(state: ReplayEventsState, forked: readonly ReplayedProcess[]): void {
    for (const [call, mismatch] of state.mismatches) this.mismatches.set(call, { ...mismatch });
    this.ended.push(...state.ended);
    this.forked.push(...forked);
  }
}

export interface ReplayEventsState {
  readonly mismatches: [string, Mismatch][];
  readonly ended: readonly ProcessRow[];
}
