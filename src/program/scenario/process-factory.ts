import { LOAD, STORE } from '../../hardware/cpu.ts';
import { addressOf, PAGE_SIZE, pageOf } from '../../hardware/units.ts';
import { isError } from '../../kernel/errno.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import { panic } from '../../kernel/panic.ts';
import { nameOf } from '../../kernel/proc/maps.ts';
import { OOM_SCORE_ADJ_MIN } from '../../kernel/proc/oom-score.ts';
import { statusOf } from '../../kernel/proc/status.ts';
import type { ElfImage, ElfSegment } from '../../kernel/process/elf.ts';
import type { Task } from '../../kernel/process/process.ts';
import { MAP_FIXED, MAP_POPULATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE } from '../../kernel/uapi.ts';
import type { Machine } from '../../machine/machine.ts';
import { extentOf } from './extent.ts';
import {
  ARENA_END,
  ARENA_START,
  BINARY_END,
  BINARY_START,
  SCRATCH,
  SCRATCH_BYTES,
  SLOT_BYTES,
  SLOT_USED_BYTES,
} from './layout.ts';
import type { OperationCosts } from './operation-costs.ts';
import { Regions } from './regions.ts';
import { CannotStart } from './scenario-error.ts';
import type { ScenarioFiles } from './scenario-files.ts';
import { ScenarioProcess } from './scenario-process.ts';

const CODE = 0x401000;
const CONSTANTS = 0x413000;
/** Names reach this far above the initial break: `brk` is a region of 4 GiB. */
const BRK_REACH = 2 ** 32;
/** What the controller has on its stack. */
const STACK_USED_BYTES: number = 2 * PAGE_SIZE;
/** Environment and arguments that just fill the stack's top page, so that what lies below them begins a second one. */
const STRINGS = { filename: 8, argv: [8, 12], envp: [3900] };

const segment = (start: number, end: number, prot: number): ElfSegment => ({
  address: start,
  offset: start - BINARY_START,
  fileSize: end - start,
  memorySize: end - start,
  align: PAGE_SIZE,
  prot,
});

/** The oracle's own program: static, at fixed addresses, without data that is written. */
const PROGRAM: ElfImage = {
  type: 'exec',
  entry: CODE,
  segments: [
    segment(BINARY_START, CODE, PROT_READ),
    segment(CODE, CONSTANTS, PROT_READ | PROT_EXEC),
    segment(CONSTANTS, BINARY_END, PROT_READ),
  ],
  interpreter: undefined,
  stackExecutable: false,
};

/**
 * Makes processes that look as the oracle's do when their first operation comes: copies of a controller, which has
 * the shared memory of all of them in place, so that a page of it is found rather than made.
 */
export class ProcessFactory {
  readonly #machine: Machine;
  readonly #isVm: boolean;
  readonly #costs: OperationCosts;
  readonly #program: File;
  readonly #arena: File;
  readonly #controller: Task;

  /** @param isVm the scenario is one of the VM */
  constructor(machine: Machine, files: ScenarioFiles, costs: OperationCosts, isVm: boolean) {
    this.#machine = machine;
    this.#isVm = isVm;
    this.#costs = costs;
    this.#program = files.program(BINARY_END - BINARY_START);
    this.#arena = machine.kernel.files.shmemFile(ARENA_END - ARENA_START, 'size');
    // Ours, beside the mappings of the processes: it stays when the last of them is gone.
    machine.kernel.files.get(this.#arena);
    this.#controller = this.#startController();
  }

  #startController(): Task {
    const { kernel } = this.#machine;
    const task = kernel.processes.spawn('oracle', pageOf(0));
    // A machine whose memory a scenario uses up kills the scenario's processes, not the one that starts them.
    task.process.oomScoreAdj = OOM_SCORE_ADJ_MIN;
    // Root of the recording host had no CAP_SYS_RESOURCE; the VM's has it.
    task.process.credentials.sysResource = this.#isVm;
    const program = { file: this.#program, image: PROGRAM };
    const error = kernel.exec(task, { program, interpreter: undefined, strings: STRINGS });
    if (isError(error)) throw new CannotStart('exec', error);
    this.#mapArena(task);
    return task;
  }

  spawn(name: string, slot: number): ScenarioProcess {
    // It is the controller that forks: nobody's cgroup pays for the copy's page tables.
    this.#machine.runOn(0, this.#controller);
    const task = this.#machine.kernel.processes.fork(this.#controller);
    if (typeof task === 'number') throw new CannotStart('fork', task);
    task.process.oomScoreAdj = 0;
    task.process.comm = name;
    this.#pretouch(task, slot);
    this.#goOn();
    this.#machine.runOn(0, task);
    const regions = new Regions(this.#top(task));
    const startBrk = task.mm.startBrk;
    const stack = extentOf(task, '[stack]');
    if (stack !== undefined) regions.set('stack', stack.address, stack.length);
    regions.set('brk', startBrk, BRK_REACH);
    const startPteKb = statusOf(task.process).VmPTE ?? 0;
    const [machine, costs] = [this.#machine, this.#costs];
    return new ScenarioProcess({ name, task, machine, costs, regions, slot, startPteKb, startBrk });
  }

  /** The controller, which has waited for its copy, writes to its stack again, so that the pages that its copy inherited are the copy's alone. */
  #goOn(): void {
    const stack = extentOf(this.#controller, '[stack]');
    if (stack === undefined) panic('spawn: the controller has no stack');
    this.#machine.runOn(0, this.#controller);
    this.#touchPages(this.#controller, stack.address + stack.length - STACK_USED_BYTES, STACK_USED_BYTES, STORE);
  }

  /** @returns the child, or a negated error number */
  fork(parent: ScenarioProcess, name: string, slot: number): ScenarioProcess | number {
    const task = this.#machine.kernel.processes.fork(parent.task);
    if (typeof task === 'number') return task;
    task.process.comm = name;
    this.#pretouch(task, slot);
    return new ScenarioProcess({
      name,
      task,
      machine: this.#machine,
      costs: this.#costs,
      regions: parent.regions.copy(),
      slot,
      descriptors: parent.descriptors,
      startPteKb: parent.startPteKb,
      startBrk: parent.startBrk,
    });
  }

  #mapArena(task: Task): void {
    const { addressSpaces } = this.#machine.kernel;
    const flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
    const bytes = ARENA_END - ARENA_START;
    const at = addressSpaces.mmap(task, ARENA_START, bytes, PROT_READ | PROT_WRITE, flags, this.#arena, 0);
    if (at !== ARENA_START) panic(`spawn: the arena cannot be mapped: ${at}`);
    addressSpaces.mlock(task, ARENA_START, bytes);
  }

  /** What a process touches before it takes orders: its program, its slot and the common buffer. */
  #pretouch(task: Task, slot: number): void {
    this.#machine.runOn(0, task);
    this.#touchPages(task, BINARY_START, BINARY_END - BINARY_START, LOAD);
    // The oracle takes the page behind its program, the first of a heap, for a part of it.
    if (task.mm.vmas.lookup(pageOf(BINARY_END)) !== undefined) this.#machine.touch(task, BINARY_END, LOAD);
    // It writes back what it reads: the load brings the pages around, so that the stores fault no more.
    for (const kind of [LOAD, STORE]) {
      this.#touchPages(task, ARENA_START + slot * SLOT_BYTES, SLOT_USED_BYTES, kind);
      this.#touchPages(task, SCRATCH, SCRATCH_BYTES, kind);
    }
    // The oracle empties the batches when a run begins; the recorded answers show the few pages of the controller in them.
    this.#machine.kernel.lru.drain();
  }

  #touchPages(task: Task, start: number, length: number, kind: number): void {
    for (let address = start; address < start + length; address += PAGE_SIZE) {
      const signal = this.#machine.touch(task, address, kind);
      if (signal !== undefined) panic(`spawn: a touch of ${address} raises signal ${signal.signo}`);
    }
  }

  /** Where the first mapping will end: below [vvar] and [vdso]. */
  #top(task: Task): number {
    for (const vma of task.mm.vmas) {
      const name = nameOf(vma);
      if (name === '[vvar]' || name === '[vdso]') return addressOf(vma.start);
    }
    return panic('spawn: the process has no vdso');
  }
}
