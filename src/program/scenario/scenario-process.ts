import { NO_PRESSURE } from '../../kernel/frames/allocator.ts';
import { TaskBlocked } from '../../kernel/oom/task-blocked.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import type { Task } from '../../kernel/process/process.ts';
import type { Machine } from '../../machine/machine.ts';
import type { AddressExpression } from './address-expression.ts';
import { type Answer, type Outcome, putOutcome, succeeded } from './answer.ts';
import { extentOf } from './extent.ts';
import type { OperationCosts } from './operation-costs.ts';
import type { Regions } from './regions.ts';

/** A region that the scenario names but that no mapping ever made: the `mmap` that should have failed. */
export class UnmappedRegion extends Error {
  override name = 'UnmappedRegion';
}

/** An operation under way: what is left of it, and what the process had used when it began. */
interface Pending {
  readonly work: () => Outcome;
  readonly silent: boolean;
  readonly before: readonly [minflt: number, majflt: number, read: number, written: number];
}

/** A process of a scenario, with the names that the scenario gave to its places and descriptors. */
export class ScenarioProcess {
  readonly name: string;
  readonly task: Task;
  readonly regions: Regions;
  readonly #machine: Machine;
  readonly costs: OperationCosts;
  readonly #descriptors: Map<string, number>;
  /** Which 512 KiB of the arena are its own. */
  readonly slot: number;
  /** VmPTE in kB at its start: a forked child counts from its parent's start. */
  readonly startPteKb: number;
  /** Bytes that bringing its program into memory read from a disk before its first operation. */
  readonly startReadBytes: number;
  /** The initial break, in bytes. */
  readonly startBrk: number;
  /** Its end is in some answer's `deaths`. */
  mourned = false;
  /** The operation that waits for memory. */
  #blocked: Pending | undefined;

  constructor(init: {
    name: string;
    task: Task;
    machine: Machine;
    costs: OperationCosts;
    regions: Regions;
    slot: number;
    descriptors?: ReadonlyMap<string, number>;
    startPteKb: number;
    startBrk: number;
  }) {
    this.name = init.name;
    this.task = init.task;
    this.#machine = init.machine;
    this.costs = init.costs;
    this.regions = init.regions;
    this.slot = init.slot;
    this.#descriptors = new Map(init.descriptors);
    this.startPteKb = init.startPteKb;
    this.startReadBytes = init.task.process.readBytes;
    this.startBrk = init.startBrk;
  }

  get machine(): Machine {
    return this.#machine;
  }

  get alive(): boolean {
    return this.task.process.ending === undefined;
  }

  get descriptors(): ReadonlyMap<string, number> {
    return this.#descriptors;
  }

  nameDescriptor(name: string, fd: number): void {
    this.#descriptors.set(name, fd);
  }

  /** The descriptor that a scenario's name means; -1, which is no descriptor, for a name never opened. */
  descriptor(name: string): number {
    return this.#descriptors.get(name) ?? -1;
  }

  /** The open file behind a name, or undefined when that is closed. */
  file(name: string): File | undefined {
    return this.task.process.files.get(this.descriptor(name));
  }

  /** @throws {UnmappedRegion} */
  resolve(expression: AddressExpression): { address: number; length: number } {
    const place = this.regions.resolve(expression);
    if (place === undefined) throw new UnmappedRegion(`${expression.name} was never mapped`);
    return place;
  }

  /** The bytes that the stack or the heap covers now; undefined while there is none. */
  mappedExtent(name: string): { address: number; length: number } | undefined {
    return extentOf(this.task, `[${name}]`);
  }

  symbol = (address: number): string => this.regions.symbol(address);

  /**
   * Does what a process asks of the kernel in one system call and says how it ended.
   *
   * @param silent the value is an address or a descriptor, which answers do not show
   * @returns whether it succeeded
   */
  perform(answer: Answer, ask: () => Outcome, silent = false): boolean {
    const call = (): Outcome => {
      this.costs.systemCalls(1, false);
      return ask();
    };
    return this.carryOut(answer, call, silent);
  }

  /**
   * Does what is no single system call - accesses to memory, or calls that count themselves - and says how it ended: its
   * value, error or signal, and what it cost in page faults and block input and output, as getrusage tells the process
   * itself. Work that has to wait for memory is done again from its beginning when the scenario collects it.
   */
  carryOut(answer: Answer, work: () => Outcome, silent = false): boolean {
    const { process } = this.task;
    const before = [process.minFlt, process.majFlt, process.readBytes, process.writtenBytes] as const;
    return this.#run(answer, { work, silent, before });
  }

  /** Its last operation waits for memory. */
  get isBlocked(): boolean {
    return this.#blocked !== undefined;
  }

  /** Lets the operation that waited for memory go on, if there is one, and says how it ended. */
  collect(answer: Answer): void {
    if (this.#blocked === undefined) answer.blocked = 1;
    else this.#run(answer, this.#blocked);
  }

  /** What could not be enforced in the middle of a system call is enforced at its end (resume_user_mode_work). */
  #returnToProgram(): void {
    const { kernel } = this.#machine;
    if (this.alive && kernel.allocator.pressure !== NO_PRESSURE) kernel.relieve(this.task, 'fault');
  }

  #run(answer: Answer, pending: Pending): boolean {
    const { process } = this.task;
    const { work, silent, before } = pending;
    this.#blocked = undefined;
    this.#machine.runOn(0, this.task);
    let outcome: Outcome;
    try {
      outcome = this.costs.measure(this.task, work);
      this.#returnToProgram();
    } catch (error) {
      if (!(error instanceof TaskBlocked)) throw error;
      this.#blocked = pending;
      answer.blocked = 1;
      return false;
    }
    if (!this.alive) {
      answer.killed = 1;
      return false;
    }
    putOutcome(answer, outcome, this.symbol, silent);
    answer.minflt = process.minFlt - before[0];
    answer.majflt = process.majFlt - before[1];
    const readKb = Math.floor((process.readBytes - before[2]) / 1024);
    const writtenKb = Math.floor((process.writtenBytes - before[3]) / 1024);
    if (readKb > 0) answer.rd_kb = readKb;
    if (writtenKb > 0) answer.wr_kb = writtenKb;
    return succeeded(outcome);
  }
}
