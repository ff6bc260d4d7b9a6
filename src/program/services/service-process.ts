import { costs } from '../../hardware/costs.ts';
import type { Cpu } from '../../hardware/cpu.ts';
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import { ENOMEM, errnoName, isError } from '../../kernel/errno.ts';
import { panic } from '../../kernel/panic.ts';
import type { Task } from '../../kernel/process/process.ts';
import { CAUSE_INSTRUCTIONS, CAUSE_SYSCALL } from '../../kernel/time/clock.ts';
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  O_CREAT,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_NOFILE,
} from '../../kernel/uapi.ts';
import { CpuTime, markFaults, passFaultTime } from '../../machine/cpu-time.ts';
import type { Machine } from '../../machine/machine.ts';

/** Top of the mmap region, where the first mapping ends. */
const MMAP_BASE = vpn(0x7ffff7fff);
/** Elasticsearch asks for 65535 descriptors, Kafka for 100000. */
const DESCRIPTORS = 100_000;

/** The machine refuses what a service cannot do without: its heap does not fit into memory, or there are too few descriptors. */
export class ServiceError extends Error {
  override readonly name: string = 'ServiceError';
}

/**
 * A server's process as its model drives it: what it does costs the time that hardware/costs.ts says. The network costs
 * nothing here.
 */
export class ServiceProcess {
  readonly machine: Machine;
  readonly task: Task;
  readonly #time: CpuTime;

  /** @param limitBytes memory of the container that it runs in, a memory cgroup; 0 for none */
  constructor(machine: Machine, name: string, limitBytes = 0) {
    this.machine = machine;
    this.task = machine.kernel.processes.spawn(name, MMAP_BASE);
    if (limitBytes > 0) this.task.mm.memcg = containerOf(machine, name, limitBytes);
    this.task.process.rlimits.soft[RLIMIT_NOFILE] = DESCRIPTORS;
    this.#time = new CpuTime(machine.clock, machine.cpus.length);
    machine.runOn(0, this.task);
  }

  /** Nanoseconds since the machine's boot. */
  get now(): number {
    return this.machine.clock.now;
  }

  /** Anonymous memory, none of it touched. @returns its address */
  allocate(bytes: number): number {
    const { addressSpaces } = this.machine.kernel;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return this.done(addressSpaces.mmap(this.task, 0, bytes, PROT_READ | PROT_WRITE, flags, undefined, 0), 'mmap');
  }

  /** Maps an open file from its beginning. @param flags MAP_SHARED or MAP_PRIVATE */
  map(fd: number, bytes: number, prot: number, flags: number): number {
    const file = this.task.process.files.get(fd);
    return this.call('mmap', () => this.machine.kernel.addressSpaces.mmap(this.task, 0, bytes, prot, flags, file, 0));
  }

  /** A new empty file, open for reading and writing. */
  create(path: string): number {
    return this.call('openat', () => this.machine.kernel.files.open(this.task, path, O_RDWR | O_CREAT));
  }

  /** Stores to or loads from every page of a range. @param kind LOAD or STORE */
  touch(address: number, bytes: number, kind: number): void {
    const end = address + bytes;
    this.#book(() => {
      for (let at = address; at < end; at += PAGE_SIZE - (at % PAGE_SIZE)) {
        const signal = this.machine.touch(this.task, at, kind);
        this.#checkAlive();
        if (signal !== undefined) panic(`service: a touch of ${at} raises signal ${signal.signo}`);
      }
      return 0;
    });
  }

  /**
   * A system call that must not fail.
   * @param transfers it reads or writes an open file
   * @throws ServiceError when it does
   */
  call(name: string, work: () => number, transfers = false): number {
    this.machine.clock.spend(costs.systemCall + (transfers ? costs.fileCall : 0), CAUSE_SYSCALL);
    return this.done(this.#book(work), name);
  }

  /** Lets the time of so many instructions pass. */
  compute(instructions: number): void {
    this.machine.clock.spend(instructions * costs.instruction, CAUSE_INSTRUCTIONS);
  }

  /** The result of a call that must not fail. @throws ServiceError when it did */
  done(result: number, name: string): number {
    this.#checkAlive();
    if (!isError(result)) return result;
    const why = result === -ENOMEM ? ': the machine has too little memory for this service' : '';
    throw new ServiceError(`${name} fails with ${errnoName(-result)}${why}`);
  }

  /** @throws ServiceError when the OOM killer took it */
  #checkAlive(): void {
    if (this.task.process.ending !== undefined)
      throw new ServiceError('the service was killed: its container has too little memory for it');
  }

  /** Does something that may fault, and lets the time of faults and translations pass. */
  #book(work: () => number): number {
    const { clock, cpus } = this.machine;
    const since = markFaults(this.task);
    const result = work();
    this.#time.pass(cpus[0] as Cpu);
    passFaultTime(clock, this.task, since);
    return result;
  }
}

/** A memory cgroup with a limit. @returns its number @throws ServiceError when there can be no more of them */
function containerOf({ kernel }: Machine, name: string, limitBytes: number): number {
  const group = kernel.cgroups.create(name);
  if (group === undefined) throw new ServiceError('the machine has too many memory cgroups for one more');
  group.memory.max = Math.floor(limitBytes / PAGE_SIZE);
  return group.id;
}
