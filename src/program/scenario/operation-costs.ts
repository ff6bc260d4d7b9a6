import { costs } from '../../hardware/costs.ts';
import type { Cpu } from '../../hardware/cpu.ts';
import type { Task } from '../../kernel/process/process.ts';
import { CAUSE_INSTRUCTIONS, CAUSE_MINOR_FAULT, CAUSE_SYSCALL } from '../../kernel/time/clock.ts';
import { CpuTime, markFaults, passFaultTime } from '../../machine/cpu-time.ts';
import type { Machine } from '../../machine/machine.ts';
import { isSignal, type Outcome } from './answer.ts';

/**
 * Lets the processor's time of a scenario's operations pass: system calls, instructions, translations, faults. Copies and
 * requests to the disk cost their time where they happen, in the kernel.
 *
 * Only machines with a disk do this. On others, as the one that answers are compared on, these things take no time: the
 * recorded answers do not tell how long the real kernel took.
 */
export class OperationCosts {
  readonly #machine: Machine;
  readonly #cpu: Cpu;
  readonly #time: CpuTime;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#cpu = machine.cpus[0] as Cpu;
    this.#time = new CpuTime(machine.clock, machine.cpus.length);
  }

  /** Does what a task asks on CPU 0, and lets the time pass that its processor needed. */
  measure(task: Task, work: () => Outcome): Outcome {
    if (this.#machine.disk === undefined) return work();
    const { clock } = this.#machine;
    this.#time.skip(this.#cpu);
    const accesses = this.#cpu.counters.accesses;
    const since = markFaults(task);
    const outcome = work();
    clock.spend((this.#cpu.counters.accesses - accesses) * costs.instruction, CAUSE_INSTRUCTIONS);
    this.#time.pass(this.#cpu);
    passFaultTime(clock, task, since);
    if (isSignal(outcome)) clock.spend(costs.signal, CAUSE_MINOR_FAULT);
    clock.settle();
    return outcome;
  }

  /** Some system calls began. @param transfers they read or write an open file */
  systemCalls(count: number, transfers: boolean): void {
    if (this.#machine.disk === undefined) return;
    this.#machine.clock.spend(count * (costs.systemCall + (transfers ? costs.fileCall : 0)), CAUSE_SYSCALL);
  }
}
